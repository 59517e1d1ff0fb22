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


def files(nodes: NodeStore, shown: CommitId, anchors: Mapping[LessonId, str]) -> Iterator[File]:
    """Give every file of the skill, SKILL.md first."""
    skill = nodes.reader.read(shown)
    room = _MOST
    for path in sorted(skill.files, key=lambda path: (path != SKILL_FILE, path)):
        data = skill.files[path]
        size = len(skill.text(path).lines)
        if is_binary(data):
            yield File(path, (), f"binary, {len(data):,} bytes")
        elif size > room:
            yield File(path, (), f"{size:,} lines: gitskill blame {path}")
        else:
            room -= size
            yield _file(nodes, path, shown, anchors)


def _file(nodes: NodeStore, path: str, shown: CommitId, anchors: Mapping[LessonId, str]) -> File:
    try:
        found = sourced(nodes, path, shown)
    except GitskillError as error:  # damaged history must not take the whole page away
        text = nodes.reader.read(shown).text(path)
        lines = (Credited(n, line, "", "", "", 0, 0) for n, line in enumerate(text.lines, start=1))
        return File(path, tuple(lines), f"its lines cannot be blamed: {error}")
    return File(path, tuple(_credited(line, anchors) for line in found))


def _credited(found: SourcedLine, anchors: Mapping[LessonId, str]) -> Credited:
    line = found.line
    if not line.text.strip():
        return Credited(line.number, "", str(line.kind), "", "", 0, 0)
    first = line.lessons[0] if line.lessons else None
    return Credited(
        line.number,
        line.text.removesuffix("\r"),
        str(line.kind),
        first.short if first else line.commit[:8],
        anchors.get(first, "") if first else "",
        max(len(line.lessons) - 1, 0),
        found.support,
    )
