"""The skill itself, line by line, with the source of each line."""

from collections.abc import Iterator, Mapping

from gitskill.errors import GitskillError
from gitskill.ids import CommitId, LessonId
from gitskill.report.page.values import Credited, File
from gitskill.report.sources import SourcedLine, sourced
from gitskill.skill.snapshot import SKILL_FILE, is_binary
from gitskill.store.nodes import NodeStore

_MOST = 20_000
"""Lines of all files together; what is more is named and not shown."""


class Lines:
    """Shows the files of one version."""

    def __init__(self, nodes: NodeStore, shown: CommitId, anchors: Mapping[LessonId, str], *, several: bool) -> None:
        self._nodes = nodes
        self._shown = shown
        self._anchors = anchors
        self._several = several

    def files(self) -> Iterator[File]:
        """Give every file of the skill, SKILL.md first."""
        skill = self._nodes.reader.read(self._shown)
        room = _MOST
        for path in sorted(skill.files, key=lambda path: (path != SKILL_FILE, path)):
            data = skill.files[path]
            size = len(skill.text(path).lines)
            if is_binary(data):
                yield File(path, (), f"binary, {len(data):,} bytes")
            elif size > room:
                yield File(path, (), f"{size:,} lines, not shown: gitskill blame names their sources")
            else:
                room -= size
                yield self._file(path)

    def _file(self, path: str) -> File:
        try:
            found = sourced(self._nodes, path, self._shown)
        except GitskillError as error:  # damaged history must not take the whole page away
            text = self._nodes.reader.read(self._shown).text(path)
            lines = (Credited(n, line, "", "", "", 0, "") for n, line in enumerate(text.lines, start=1))
            return File(path, tuple(lines), f"its lines cannot be blamed: {error}")
        return File(path, tuple(self._credited(line) for line in found))

    def _credited(self, found: SourcedLine) -> Credited:
        line = found.line
        kind, text = str(line.kind), line.text.removesuffix("\r")
        if not text.strip():
            return Credited(line.number, "", kind, "", "", 0, "")
        if not line.lessons:
            return Credited(line.number, text, kind, found.made, "", 0, "")
        first, *others = line.lessons
        name = str(first) if self._several else first.short
        return Credited(line.number, text, kind, name, self._anchors.get(first, ""), len(others), found.share)
