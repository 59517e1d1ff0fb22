"""The eight edits: read, placed and refused."""

import json
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gitskill.errors import InvalidInput
from gitskill.skill.edits import (
    AddSection,
    AppendToSection,
    Create,
    DeleteFile,
    DeleteSection,
    Edit,
    InsertAfter,
    InsertBefore,
    ReplaceInSection,
    apply_edits,
    parse_edits,
    resolve,
)
from gitskill.skill.hunks import Hunk
from gitskill.skill.sections import outline
from gitskill.skill.snapshot import Skill
from gitskill.skill.text import Text

REAL = sorted((Path(__file__).parents[2] / "shared" / "data" / "skills").rglob("SKILL.md"))
DOCS = Path(__file__).parents[1] / "docs" / "edits.md"
F = "SKILL.md"


def applied(base: str, *edits: Edit) -> str:
    return apply_edits(Skill({F: base.encode()}), edits).files[F].decode()


def refusal(base: str, *edits: Edit) -> str:
    with pytest.raises(InvalidInput) as caught:
        apply_edits(Skill({F: base.encode()}), edits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def reason(base: str, edit: Edit) -> str:
    """Give the reason that one edit alone is refused for."""
    prefix = f"edit 1 ({edit.op} in {edit.file}): "
    assert refusal(base, edit).startswith(prefix)
    return refusal(base, edit).removeprefix(prefix)


@pytest.mark.parametrize(
    ("base", "quote", "content", "expected"),
    [
        pytest.param("one\n\ntwo\n", "one", "new", "one\n\nnew\n\ntwo\n", id="paragraph"),
        pytest.param("one\nmore\n\ntwo\n", "one", "new", "one\nmore\n\nnew\n\ntwo\n", id="not-into-a-paragraph"),
        pytest.param("- a\n  more\n- b\n", "- a", "- new", "- a\n  more\n- new\n- b\n", id="not-into-an-item"),
        pytest.param("- a\n\n- b\n", "a", "- new", "- a\n\n- new\n\n- b\n", id="loose-list"),
        pytest.param("- a\n  - b\n- c\n", "- a", "- new", "- a\n  - b\n- new\n- c\n", id="behind-the-children"),
        pytest.param("- a\n  - b\n- c\n", "- a", "  - new", "- a\n  - new\n  - b\n- c\n", id="as-first-child"),
        pytest.param("- a\n  - b\n- c\n", "b", "- new\n  x", "- a\n  - b\n  - new\n    x\n- c\n", id="beside-a-child"),
        pytest.param("- a\n- b\n", "a", "new", "- a\n\nnew\n\n- b\n", id="paragraph-between-items"),
        pytest.param("1. a\n2. b\n", "a", "2. new", "1. a\n2. new\n2. b\n", id="numbered"),
        pytest.param("In:\n- a\n", "In:", "- new", "In:\n- new\n- a\n", id="list-below-its-lead"),
        pytest.param("In:\n- a\n", "In:", "5. new", "In:\n\n5. new\n- a\n", id="would-be-read-as-text"),
        pytest.param("In:\n- a\n", "In:", "new", "In:\n\nnew\n- a\n", id="paragraph-below-a-lead"),
        pytest.param("## H\ntext\n", "## H", "new", "## H\nnew\n\ntext\n", id="below-a-heading-without-blank"),
        pytest.param("## H\n\ntext\n", "## H", "new", "## H\n\nnew\n\ntext\n", id="below-a-heading-with-blank"),
        pytest.param("H\n===\ntext\n", "H", "new", "H\n===\nnew\n\ntext\n", id="setext-heading"),
        pytest.param("| a |\n|---|\n| 1 |\n| 2 |\n", "| 1 |", "| n |", "| a |\n|---|\n| 1 |\n| n |\n| 2 |\n", id="row"),
        pytest.param("```\na\nb\n```\n", "a", "n\n\nm", "```\na\nn\n\nm\nb\n```\n", id="code-line"),
        pytest.param("```\na\n```\nx\n", "a\n```", "new", "```\na\n```\n\nnew\n\nx\n", id="behind-code"),
        pytest.param(
            "- ```\n  a\n  ```\n- b\n", "  a\n  ```", "- n", "- ```\n  a\n  ```\n- n\n- b\n", id="code-in-item"
        ),
        pytest.param("<!-- a\nb -->\n", "a", "new", "<!-- a\nnew\nb -->\n", id="comment-line"),
        pytest.param("one", "one", "new", "one\n\nnew", id="open-end"),
        pytest.param("a\r\nb\r\n\r\nc", "c", "new", "a\r\nb\r\n\r\nc\n\r\nnew", id="open-end-with-crlf"),
        pytest.param("a\r\n\r\nb\r\n", "a", "new", "a\r\n\r\nnew\r\n\r\nb\r\n", id="crlf"),
        pytest.param("> a\n> b\n", "a", "> new", "> a\n> b\n\n> new\n", id="quote"),
        pytest.param("---\nname: x\n---\nx\n", "x", "n", "---\nname: x\n---\nx\n\nn\n", id="not-in-frontmatter"),
    ],
)
def test_insert_after(base: str, quote: str, content: str, expected: str) -> None:
    assert applied(base, InsertAfter(F, quote, content)) == expected


@pytest.mark.parametrize(
    ("base", "quote", "content", "expected"),
    [
        pytest.param("one\n\ntwo\n", "two", "new", "one\n\nnew\n\ntwo\n", id="paragraph"),
        pytest.param("one\nmore\n", "more", "new", "new\n\none\nmore\n", id="not-into-a-paragraph"),
        pytest.param("- a\n- b\n  more\n", "more", "- new", "- a\n- new\n- b\n  more\n", id="not-into-an-item"),
        pytest.param("- a\n  - b\n", "b", "- new", "- a\n  - new\n  - b\n", id="beside-a-child"),
        pytest.param("- a\n\n  b\n", "b", "- new", "- new\n\n- a\n\n  b\n", id="before-the-whole-item"),
        pytest.param("x\n\n## H\n\ntext\n", "## H", "new", "x\n\nnew\n\n## H\n\ntext\n", id="heading"),
        pytest.param("```\na\n```\n", "a", "n", "```\nn\na\n```\n", id="code-line"),
        pytest.param("x\n```\na\n```\n", "```\na", "n", "x\n\nn\n```\na\n```\n", id="code"),
        pytest.param("---\nname: x\n---\ntext\n", "text", "n", "---\nname: x\n---\n\nn\n\ntext\n", id="frontmatter"),
    ],
)
def test_insert_before(base: str, quote: str, content: str, expected: str) -> None:
    assert applied(base, InsertBefore(F, quote, content)) == expected


@pytest.mark.parametrize(
    ("base", "content", "expected"),
    [
        pytest.param("# A\n\ntext\n\n# B\n", "new", "# A\n\ntext\n\nnew\n\n# B\n", id="text"),
        pytest.param("# A\n\ntext\n\n\n# B\n", "new", "# A\n\ntext\n\nnew\n\n\n# B\n", id="two-blank-lines"),
        pytest.param("# A\n\ntext\n# B\n", "new", "# A\n\ntext\n\nnew\n# B\n", id="no-blank-line"),
        pytest.param("# A\n\ntext\n\n## S\n", "new", "# A\n\ntext\n\nnew\n\n## S\n", id="before-subsections"),
        pytest.param(
            "# A\n\n## S\n\nx\n\n# B\n", "## T\n\ny", "# A\n\n## S\n\nx\n\n## T\n\ny\n\n# B\n", id="subsection"
        ),
        pytest.param("# A\n\n## S\n\nx\n", "## T\n\ny", "# A\n\n## S\n\nx\n\n## T\n\ny\n", id="last-subsection"),
        pytest.param("# A\n", "new", "# A\n\nnew\n", id="empty"),
        pytest.param("# A\n\n# B\n", "new", "# A\n\nnew\n\n# B\n", id="empty-before-another"),
        pytest.param("# A\n# B\n", "new", "# A\nnew\n\n# B\n", id="empty-without-blank"),
        pytest.param("# A\n\ntext", "new", "# A\n\ntext\n\nnew", id="open-end"),
        pytest.param("# A\n\n- a\n- b\n\n# B\n", "- new", "# A\n\n- a\n- b\n- new\n\n# B\n", id="tight-list"),
        pytest.param("# A\n\n- a\n\n- b\n", "- new", "# A\n\n- a\n\n- b\n\n- new\n", id="loose-list"),
        pytest.param("# A\n\n- a\n\n- b\n  - c\n", "- n", "# A\n\n- a\n\n- b\n  - c\n\n- n\n", id="tight-in-loose"),
        pytest.param("# A\n\n- a\n  - b\n", "- new", "# A\n\n- a\n  - b\n- new\n", id="nested-list"),
        pytest.param("# A\n\n- a\n", "new", "# A\n\n- a\n\nnew\n", id="paragraph-below-a-list"),
        pytest.param("# A\n\ntext\n", "- new", "# A\n\ntext\n\n- new\n", id="list-below-a-paragraph"),
        pytest.param("# A\n\n```\nx\n```\n", "new", "# A\n\n```\nx\n```\n\nnew\n", id="code"),
        pytest.param("# A\n\n| a |\n|---|\n", "| n |", "# A\n\n| a |\n|---|\n| n |\n", id="row"),
        pytest.param("# A\n\n| a |\n|---|\n", "a || b", "# A\n\n| a |\n|---|\n\na || b\n", id="no-row"),
        pytest.param("# A\n\n| a |\n|---|\n", "| b |\n|---|", "# A\n\n| a |\n|---|\n\n| b |\n|---|\n", id="table"),
        pytest.param("# A\r\n\r\n- a\r\n", "- b\r\n- c\n", "# A\r\n\r\n- a\r\n- b\r\n- c\r\n", id="crlf"),
        pytest.param("# A\n", "\n\n  indented\n\n", "# A\n\n  indented\n", id="blank-lines-around"),
    ],
)
def test_append_to_section(base: str, content: str, expected: str) -> None:
    assert applied(base, AppendToSection(F, "A", content)) == expected


@pytest.mark.parametrize(
    ("base", "old", "content", "expected"),
    [
        pytest.param("one two three\n", "two", "2", "one 2 three\n", id="words"),
        pytest.param("one\ntwo\nthree\n", "ne\ntw", "-\n-", "o-\n-o\nthree\n", id="over-lines"),
        pytest.param("a\n\nb\n\nc\n", "b", "", "a\n\nc\n", id="paragraph-deleted"),
        pytest.param("a\n\nb\n", "b", "", "a\n", id="last-paragraph-deleted"),
        pytest.param("- a\n- b\n- c\n", "- b", "", "- a\n- c\n", id="item-deleted"),
        pytest.param("a b\n", " b", "", "a\n", id="words-deleted"),
        pytest.param("a\r\nb\r\nc\r\n", "b", "x\ny", "a\r\nx\r\ny\r\nc\r\n", id="crlf"),
        pytest.param("a\nb", "b", "c", "a\nc", id="open-end"),
        pytest.param("---\nname: x\n---\n", "x", "y", "---\nname: y\n---\n", id="frontmatter"),
        pytest.param("a\n", "a", "\n\nb\n\n", "b\n", id="blank-lines-around"),
        pytest.param("only\n", "only", "", "", id="all"),
    ],
)
def test_replace_in_section(base: str, old: str, content: str, expected: str) -> None:
    assert applied(base, ReplaceInSection(F, old, content)) == expected


def test_a_replacement_touches_only_the_lines_that_change() -> None:
    changes = resolve(Skill({F: b"a\nb\nc\n"}), ReplaceInSection(F, "a\nb\nc", "a\nx\nc"))

    assert changes == (Hunk(F, 1, 2, ("x",)),)


@pytest.mark.parametrize(
    ("base", "after", "expected"),
    [
        pytest.param("# A\n\na\n\n# B\n", "A", "# A\n\na\n\n## N\n\nn\n\n# B\n", id="behind-another"),
        pytest.param("# A\n\n## S\n\n# B\n", "A", "# A\n\n## S\n\n## N\n\nn\n\n# B\n", id="behind-subsections"),
        pytest.param("# A\n\na\n", "", "# A\n\na\n\n## N\n\nn\n", id="end"),
        pytest.param("# A\n\na", "", "# A\n\na\n\n## N\n\nn", id="open-end"),
        pytest.param("# A\n\na\n\n", "A", "# A\n\na\n\n## N\n\nn\n\n", id="end-with-blank-line"),
        pytest.param("# A\na\n# B\n", "A", "# A\na\n## N\n\nn\n\n# B\n", id="no-blank-line"),
        pytest.param("---\nname: x\n---\n", "", "---\nname: x\n---\n\n## N\n\nn\n", id="only-frontmatter"),
        pytest.param("", "", "## N\n\nn\n", id="empty-file"),
    ],
)
def test_add_section(base: str, after: str, expected: str) -> None:
    assert applied(base, AddSection(F, "## N\n\nn\n", after)) == expected


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        pytest.param("# A\n\na\n\n# B\n\nb\n\n# C\n", "# A\n\na\n\n# C\n", id="between"),
        pytest.param("# B\n\nb\n\n# C\n", "# C\n", id="first"),
        pytest.param("# A\n\na\n\n# B\n\nb\n", "# A\n\na\n", id="last"),
        pytest.param("# A\n\na\n\n# B\n\nb", "# A\n\na", id="last-with-open-end"),
        pytest.param("a\n# B\nb\n# C\n", "a\n\n# C\n", id="no-blank-lines"),
        pytest.param("a\n# B\nb\n\nC\n===\n", "a\n\nC\n===\n", id="before-setext"),
        pytest.param("# A\n\n# B\n\n## S\n\ns\n\n# C\n", "# A\n\n# C\n", id="with-subsections"),
        pytest.param("a\r\n# B\r\n# C\r\n", "a\r\n\r\n# C\r\n", id="crlf"),
    ],
)
def test_delete_section(base: str, expected: str) -> None:
    assert applied(base, DeleteSection(F, "B")) == expected


def test_files_are_created_and_deleted() -> None:
    base = Skill({F: b"x\n", "references/old.md": b"y\n"})

    new = apply_edits(base, [Create("references/new.md", "\n# N\r\n\r\nn\n\n"), DeleteFile("references/old.md")])

    assert new == Skill({F: b"x\n", "references/new.md": b"# N\n\nn\n"})


def test_a_script_has_lines_but_no_markdown() -> None:
    base = Skill({F: b"", "scripts/x.py": b"# Title\nx = 1\ny = 2\n"})

    new = apply_edits(base, [InsertAfter("scripts/x.py", "x = 1", "# New\nz = 3")])

    assert new.files["scripts/x.py"] == b"# Title\nx = 1\n# New\nz = 3\ny = 2\n"
    with pytest.raises(InvalidInput, match="no section 'Title'"):
        resolve(base, AppendToSection("scripts/x.py", "Title", "z = 3"))
    with pytest.raises(InvalidInput, match="in a Markdown file"):
        resolve(base, AddSection("scripts/x.py", "# New"))


@pytest.mark.parametrize(
    ("base", "edit", "expected"),
    [
        pytest.param(
            "```\na\nb\n```\n\nc\n",
            InsertAfter(F, "a", "```\nx"),
            "line 3 would change from code to text: 'b'",
            id="closes-a-fence",
        ),
        pytest.param(
            "```\na\n```\n",
            InsertAfter(F, "a", "```\nx"),
            "line 3 would change from the end of a code block to the opening of a code block: '```'",
            id="turns-a-fence",
        ),
        pytest.param(
            "- ```\n  a\n  b\n  ```\n",
            InsertAfter(F, "a", "x"),
            "line 3 would change from code to text: 'b'",
            id="leaves-an-item",
        ),
        pytest.param(
            "a\n\nb\n", InsertAfter(F, "a", "```\nx"), "line 3 would change from text to code: 'b'", id="opens-a-fence"
        ),
        pytest.param(
            "a\n\nb\n",
            InsertAfter(F, "a", "<!-- x"),
            "line 3 would change from text to HTML: 'b'",
            id="opens-a-comment",
        ),
        pytest.param(
            "a\nb\n",
            ReplaceInSection(F, "b", "---"),
            "line 1 would change from text to a heading: 'a'",
            id="makes-a-heading",
        ),
        pytest.param("a\n\n---\n", ReplaceInSection(F, "a", "# A\n---\nb: c"), "", id="frontmatter-is-first-only"),
        pytest.param(
            "| a |\n|---|\n| 1 |\n| 2 |\n",
            InsertAfter(F, "1", "x"),
            "line 4 would change from a table row to text: '| 2 |'",
            id="splits-a-table",
        ),
        pytest.param(
            "- a\n  - b\n", ReplaceInSection(F, "- a", "a"), "line 2 would change its level: '- b'", id="takes-a-parent"
        ),
        pytest.param("a\n# B\n# C\n", AddSection(F, "N\n===", "B"), "", id="setext-below-atx"),
        pytest.param(
            "# B\na\n# C\n",
            AddSection(F, "N\n===", "B"),
            "line 2 would change from text to a heading: 'a'",
            id="setext-below-text",
        ),
        pytest.param(
            "# B\n\n```\na\n",
            AppendToSection(F, "B", "x"),
            "the section ends in code or HTML that is never closed",
            id="open-fence",
        ),
        pytest.param(
            "# B\n\n<!--",
            AddSection(F, "# x"),
            "the section ends in code or HTML that is never closed",
            id="open-comment",
        ),
        pytest.param(
            "# A\n\n## B\n",
            AppendToSection(F, "B", "x\n\n# C"),
            "the content has a heading that ends section 'B': use add_section",
            id="heading-too-high",
        ),
        pytest.param(
            "x\n", AddSection(F, "text\n\n# A"), "a section begins with a heading, in a Markdown file", id="no-heading"
        ),
        pytest.param(
            "x\n",
            AddSection(F, "```\n# A\n```"),
            "a section begins with a heading, in a Markdown file",
            id="heading-in-code",
        ),
        pytest.param("x\n", ReplaceInSection(F, "x", "x"), "changes nothing", id="nothing-changes"),
        pytest.param("x\n", InsertAfter(F, "x", " \n"), "the content is empty", id="no-content"),
        pytest.param("x\n", InsertAfter(F, "x", "\0"), "the content holds a control character", id="nul"),
        pytest.param(
            "x\n", InsertAfter(F, "x", "\ud800"), "the content holds a control character", id="half-character"
        ),
        pytest.param("---\nname: x\n---\n", InsertAfter(F, "name", "y"), "'name' not found", id="frontmatter"),
        pytest.param(
            "# A\n\nx\n\n# B\n\nx\n",
            InsertAfter(F, "x", "y"),
            "'x' found 2 times, at lines 3, 7: quote more of it",
            id="twice",
        ),
        pytest.param("# A\n\nx\n", InsertAfter(F, "x", "y", "B"), "no section 'B' (closest: 'A')", id="no-section"),
        pytest.param("", InsertAfter("SKILLS.md", "x", "y"), "no such file", id="no-file"),
        pytest.param("", Create(F, "x"), "SKILL.md exists already", id="exists"),
        pytest.param("", Create("SKILL.md/x", "x"), "SKILL.md exists already", id="below-a-file"),
        pytest.param("", DeleteFile(F), "a skill without SKILL.md is none", id="the-skill"),
        pytest.param("", DeleteFile("x.md"), "no such file", id="delete-nothing"),
    ],
)
def test_what_cannot_be_placed_is_refused(base: str, edit: Edit, expected: str) -> None:
    if expected:
        assert reason(base, edit) == expected
    else:
        applied(base, edit)


def test_above_an_open_fence_the_file_can_be_edited() -> None:
    assert applied("a\n\n```\nb\n", InsertAfter(F, "a", "new")) == "a\n\nnew\n\n```\nb\n"


def test_binary_and_linked_files_are_left_alone() -> None:
    base = Skill({"x.png": b"\0"}, foreign={"link.md": "symlink"})

    cases: list[tuple[Edit, str]] = [
        (ReplaceInSection("x.png", "a", "b"), "a binary file has no lines to change"),
        (ReplaceInSection("link.md", "a", "b"), "a symlink is never changed"),
        (DeleteFile("link.md"), "a symlink is never changed"),
        (Create("link.md", "b"), "link.md exists already"),
    ]
    for edit, message in cases:
        with pytest.raises(InvalidInput) as caught:
            resolve(base, edit)
        assert str(caught.value) == message


def test_a_quote_is_looked_for_in_its_section_only() -> None:
    base = "# A\n\nx\n\n# B\n\nx\n"

    assert applied(base, InsertAfter(F, "x", "y", "B")) == "# A\n\nx\n\n# B\n\nx\n\ny\n"
    assert applied(base, ReplaceInSection(F, "x", "y", "A")) == "# A\n\ny\n\n# B\n\nx\n"


def test_inserts_at_one_point_keep_the_order_of_the_edits() -> None:
    base = "# A\n\n- a\n\n# B\n"

    assert (
        applied(base, *(AppendToSection(F, "A", f"- {word}") for word in "zyx")) == "# A\n\n- a\n- z\n- y\n- x\n\n# B\n"
    )
    assert applied(base, *(AddSection(F, f"# {word}", "A") for word in "ZY")) == "# A\n\n- a\n\n# Z\n\n# Y\n\n# B\n"


def test_text_for_a_section_stays_out_of_a_new_one_at_the_same_point() -> None:
    assert applied("# A\n\na", AddSection(F, "# N"), AppendToSection(F, "A", "b")) == "# A\n\na\n\nb\n\n# N"


def test_a_child_stays_below_its_item_when_a_sibling_comes_too() -> None:
    assert (
        applied("- a\n  - b\n", InsertAfter(F, "- a", "- n"), InsertAfter(F, "b", "- m")) == "- a\n  - b\n  - m\n- n\n"
    )


def test_every_edit_sees_the_frozen_file() -> None:
    assert (
        applied("one\n\ntwo\n", ReplaceInSection(F, "one", "two"), ReplaceInSection(F, "two", "one")) == "two\n\none\n"
    )


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param([], "no edits", id="none"),
        pytest.param(
            [ReplaceInSection(F, "one", "1"), ReplaceInSection(F, "two", "2")],
            "edits 1 and 2 change the same lines of SKILL.md",
            id="same-line",
        ),
        pytest.param(
            [DeleteSection(F, "A"), InsertAfter(F, "one", "x")],
            "edits 1 and 2 change the same lines of SKILL.md",
            id="insert-into-what-goes",
        ),
        pytest.param(
            [AppendToSection(F, "A", "x"), AppendToSection(F, "A", "x")],
            "edits 1 and 2 make the same change to SKILL.md",
            id="same-insert",
        ),
        pytest.param(
            [Create("x.md", "a"), Create("x.md", "b")], "edits 1 and 2 make the same change to x.md", id="created-twice"
        ),
        pytest.param(
            [InsertAfter(F, "zz", "x"), AppendToSection(F, "A", "x"), DeleteFile("y.md")],
            "edit 1 (insert_after in SKILL.md): 'zz' not found; edit 3 (delete_file in y.md): no such file",
            id="all-problems",
        ),
    ],
)
def test_edits_that_do_not_go_together_are_refused(edits: list[Edit], expected: str) -> None:
    assert refusal("# A\n\none two\n\nend\n", *edits) == expected


def test_edits_are_read_from_yaml_and_json() -> None:
    edit = InsertAfter(F, "q", "a: b # no comment\n\n\ttab 😀 \"'\\\n")
    given = {"op": "insert_after", "file": F, "target_text": "q", "content": edit.content, "after_section": None}
    yaml = "edits:\n  - op: insert_after\n    file: SKILL.md\n    target_text: q\n    content: |\n"
    yaml += "".join(f"      {line}\n" for line in edit.content.rstrip("\n").split("\n"))

    assert parse_edits(json.dumps([given])) == (edit,)
    assert parse_edits(json.dumps({"edits": [given]}, indent="\t", ensure_ascii=False)) == (edit,)
    assert parse_edits(yaml) == (edit,)


OPERATIONS: list[Edit] = [
    InsertAfter("f", "t", "c", "s"),
    InsertBefore("f", "t", "c", "s"),
    AppendToSection("f", "s", "c"),
    ReplaceInSection("f", "o", "", "s"),
    AddSection("f", "c", "s"),
    DeleteSection("f", "s"),
    Create("f", "c"),
    DeleteFile("f"),
]


@pytest.mark.parametrize("edit", OPERATIONS, ids=lambda edit: edit.op)
def test_every_operation_has_its_keys(edit: Edit) -> None:
    keys = dict(zip(edit.__dataclass_fields__.keys() - {"op"}, [""] * 9, strict=False))
    values = {key: getattr(edit, key) for key in keys}

    assert parse_edits(json.dumps([{"op": edit.op, **values}])) == (edit,)
    assert len(astuple(edit)) == len(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "expected a list of edits, or a mapping with the one key 'edits' that holds one", id="empty"),
        pytest.param(
            "[]", "expected a list of edits, or a mapping with the one key 'edits' that holds one", id="no-edits"
        ),
        pytest.param(
            "edit: []", "expected a list of edits, or a mapping with the one key 'edits' that holds one", id="other-key"
        ),
        pytest.param("- x", "edit 1: not a mapping", id="no-mapping"),
        pytest.param("- file: x", "edit 1: it has no 'op'", id="no-op"),
        pytest.param(
            "- op: insert\n  sectoin: x",
            "edit 1: unknown op 'insert', did you mean 'insert_after'?; "
            "edit 1: unknown key 'sectoin', did you mean 'after_section'?",
            id="slips",
        ),
        pytest.param(
            "- {op: delete_file, file: a}\n- {op: delete_section, file: a, tarket_section: b, content: c}",
            "edit 2: unknown key 'tarket_section', did you mean 'target_section'?; "
            "edit 2: delete_section takes no 'content'; edit 2: delete_section needs 'target_section'",
            id="all-together",
        ),
        pytest.param("- {op: create, file: a, content: ' '}", "edit 1: 'content' is empty", id="empty-value"),
        pytest.param("- {op: create, file: a, content: [b]}", "edit 1: 'content' must be text", id="list"),
        pytest.param('[{"op": "create", "file": "a", "content": 1}]', "edit 1: 'content' must be text", id="number"),
        pytest.param(
            '[{"op": "create", "file": "a", "content": "\\ud800"}]', "edit 1: 'content' must be text", id="half"
        ),
        pytest.param('[{"op": ["create"]}]', "edit 1: unknown op ['create'], did you mean 'create'?", id="op-list"),
        pytest.param('{"edits": [], "edits": []}', "a JSON object names a key twice", id="twice"),
        pytest.param("x" * 65_537, "the edits are longer than 65536 bytes", id="too-long"),
    ],
)
def test_what_is_no_edit_is_refused(text: str, expected: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_edits(text)

    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [pytest.param("- &a {op: create}\n- *a", "anchor", id="anchor"), pytest.param("[" * 50_000, "deeper", id="deep")],
)
def test_hostile_yaml_is_refused(text: str, expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        parse_edits(text)


BASES = st.lists(
    st.sampled_from(
        ["", "", "# A", "## B", "- c", "  - d", "text", "```", "| t |", "|---|", "> q", "===", "1. n", "<!--"]
    ),
    max_size=14,
).map(lambda lines: "---\nname: x\n---\n" + "\n".join(lines))
CONTENTS = st.sampled_from(["- new", "new", "1. new", "## New\n\nnew", "| new |", "```\nnew\n```", "> new", "  new"])
EDITS = st.one_of(
    st.builds(InsertAfter, st.just(F), st.sampled_from(["text", "c", "d", "n", "q"]), CONTENTS),
    st.builds(InsertBefore, st.just(F), st.sampled_from(["text", "c", "d", "n", "q"]), CONTENTS),
    st.builds(AppendToSection, st.just(F), st.sampled_from(["A", "B"]), CONTENTS),
    st.builds(AddSection, st.just(F), st.just("# New\n\nnew"), st.sampled_from(["", "A", "B"])),
)


@given(BASES, EDITS)
def test_an_insert_keeps_every_line_and_its_own_are_together(base: str, edit: Edit) -> None:
    try:
        new = applied(base, edit)
    except InvalidInput:
        return
    old = Text.parse(base.encode()).lines
    (hunk,) = resolve(Skill({F: base.encode()}), edit)
    assert isinstance(hunk, Hunk)
    assert Text.parse(new.encode()).lines == (*old[: hunk.start], *hunk.lines, *old[hunk.start :])
    assert outline(new).kinds[: hunk.start] == outline(base).kinds[: hunk.start]
    assert outline(new).kinds[hunk.start + len(hunk.lines) :] == outline(base).kinds[hunk.start :]


def test_the_real_skills_are_there() -> None:
    assert len(REAL) >= 30


def bodies(text: str) -> list[tuple[tuple[str, ...], str]]:
    """List every section with its path and its own text, blank lines around it aside."""
    lines = text.replace("\r", "").split("\n")
    return [(s.path, "\n".join(lines[s.start : s.own_end]).rstrip()) for s in outline(text).sections]


@pytest.mark.parametrize("path", REAL, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_every_section_of_a_real_skill_can_be_edited(path: Path) -> None:
    skill = Skill({F: path.read_bytes()})
    base = str(skill.text(F))
    sections = outline(base).sections
    before = bodies(base)
    names = [f"{'#' * section.level} {section.title}" for section in sections]
    # Of a file with very many sections eight or so, spread over it, are enough; each costs six readings of the whole.
    chosen = set(range(0, len(sections), max(1, len(sections) // 8)))
    for number, (section, name) in enumerate(zip(sections, names, strict=True)):
        if names.count(name) > 1 or not section.title or number not in chosen:
            continue
        size = sum(other.start < section.end for other in sections[number:])

        after = bodies(applied(base, AppendToSection(F, name, "- A new bullet.")))
        assert after[:number] + after[number + 1 :] == before[:number] + before[number + 1 :]
        assert after[number][1].splitlines()[-1] == "- A new bullet."
        assert after[number][1].removesuffix("- A new bullet.").rstrip() == before[number][1]

        added = f"{'#' * section.level} A new section"
        after = bodies(applied(base, AddSection(F, f"{added}\n\nText.", name)))
        assert [text for _, text in after] == [
            *(text for _, text in before[: number + size]),
            f"{added}\n\nText.",
            *(text for _, text in before[number + size :]),
        ]

        after = bodies(applied(base, DeleteSection(F, name)))
        assert [text for _, text in after] == [text for _, text in before[:number] + before[number + size :]]


def docs_blocks(language: str) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(DOCS.read_text())
    return [token.content for token in tokens if token.type == "fence" and token.info == language]


def sample() -> Skill:
    (text,) = docs_blocks("markdown")
    return Skill({F: text.encode(), "references/old.md": b"old\n"})


def test_the_docs_show_every_operation() -> None:
    shown = [edit.op for block in docs_blocks("yaml") for edit in parse_edits(block)]

    assert shown == [edit.op for edit in OPERATIONS]


@pytest.mark.parametrize("number", range(8))
def test_the_examples_of_the_docs_apply(number: int) -> None:
    edits = parse_edits(docs_blocks("yaml")[number])

    assert apply_edits(sample(), edits) != sample()


def test_all_examples_of_the_docs_apply_together() -> None:
    new = apply_edits(sample(), [edit for block in docs_blocks("yaml") for edit in parse_edits(block)])

    assert sorted(new.files) == [F, "references/dates.md"]
    assert new.files[F].decode() == (
        "---\nname: sheets\ndescription: Work with spreadsheets.\n---\n\n# Sheets\n\n"
        "Read the task twice.\nThen open the workbook.\n\n"
        "## Writing\n\n- Use openpyxl.\n- Recalculate the formulas before you save.\n"
        "- Save under the name that the task gives.\n\n"
        "## Formulas\n\nWrite formulas, not their results.\n\n"
        "## Checking\n\nClose the workbook first.\n\nRead the file back.\n\n```python\ncheck(path)\n```\n\n"
        "Compare the number of rows.\n\nA missing row is an error.\n"
    )
