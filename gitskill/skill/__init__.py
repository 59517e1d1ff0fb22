"""A skill as a value: files, frontmatter, sections, edits and hunks. Pure, no I/O."""
