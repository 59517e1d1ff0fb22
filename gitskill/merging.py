"""The merge driver: three versions of a file as bytes to one, without a model and the same each time."""

from dataclasses import dataclass

from gitskill.skill.snapshot import is_binary
from gitskill.skill.text import Text
from gitskill.skill.three_way import merge_texts


@dataclass(frozen=True, slots=True)
class MergedFile:
    """What a merge came to."""

    data: bytes
    conflicts: int


def merge_files(base: bytes, ours: bytes, theirs: bytes, *, markdown: bool = True, marker: int = 7) -> MergedFile:
    """Merge a file; one without lines is taken from whoever changed it, and is a conflict where both did."""
    if any(map(is_binary, (base, ours, theirs))):
        chosen = theirs if ours == base else ours
        return MergedFile(chosen, int(base not in (ours, theirs) and ours != theirs))
    found = merge_texts(*map(Text.parse, (base, ours, theirs)), markdown=markdown, marker=marker)
    return MergedFile(found.text.encode(), found.conflicts)
