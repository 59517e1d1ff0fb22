"""What each version brought, in the form of Keep a Changelog: from the records and the lessons, and nothing else."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from gitskill.node import Support
from gitskill.report.versions import Teaching, VersionReport
from gitskill.skill.hunks import Changes, Ending, Hunk, Removal
from gitskill.store.nodes import NodeStore
from gitskill.visible import visible

_MARKUP = re.compile(r"([\\<>\[\]*_])")
"""What could make a title more than text: a link, a tag, a comment."""
_CODE = re.compile(r"(`[^`]+`)")


class Kind(StrEnum):
    """The headings of a changelog."""

    ADDED = "Added"
    CHANGED = "Changed"
    REMOVED = "Removed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One lesson, or several that say the same."""

    kind: Kind
    lesson: str
    title: str
    support: Support | None
    others: int = 0
    """Further lessons that say the same."""

    def __str__(self) -> str:
        told = [self.lesson]
        told += [f"and {self.others} that say the same"] if self.others else []
        told += [f"{self.support} traces"] if self.support and self.support.traces else []
        return f"- {_plain(self.title)} ({', '.join(told)})"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One version."""

    version: str
    tag: str
    day: str
    about: str
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        parts = [f"## [{self.version}] - {self.day}", self.about]
        for kind in Kind:
            if lines := [str(entry) for entry in self.entries if entry.kind is kind]:
                parts += [f"### {kind}", "\n".join(lines)]
        return "\n\n".join(part for part in parts if part)


def chapters(nodes: NodeStore, found: Sequence[VersionReport]) -> list[Chapter]:
    """Make a chapter of each version, in the order given: newest first."""
    holds: dict[str, tuple[VersionReport, ...]] = {"": ()}
    made = []
    for each in reversed(found):
        before = holds[each.previous]
        # A rollback holds what the version holds that it brings back, whatever came in between.
        holds[each.release.tag] = holds.get(each.rollback, before) if each.rollback else (*before, each)
        made.append(_chapter(nodes, each, before, holds[each.release.tag]))
    return made[::-1]


def text(found: Sequence[Chapter]) -> str:
    """Write the whole changelog."""
    return "\n\n".join(["# Changelog", *map(str, found)]) + "\n"


def day_of(when: int) -> str:
    """Write a moment as a day; a tag may claim one that no calendar has."""
    try:
        return datetime.fromtimestamp(when, UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return str(when)


def _chapter(
    nodes: NodeStore, version: VersionReport, before: Sequence[VersionReport], now: Sequence[VersionReport]
) -> Chapter:
    """Make the chapter of a version from the versions whose lessons it holds, and those the one before it held."""
    release = version.release
    entries = [entry for each in now if each not in before for entry in _entries(nodes, each.taught)]
    gone = [entry for each in before if each not in now for entry in _entries(nodes, each.taught)]
    gone += _entries(nodes, version.dropped)
    entries += [replace(entry, kind=Kind.REMOVED) for entry in gone]
    number = str(release.version).removeprefix("v")
    return Chapter(number, release.tag, day_of(release.when), _about(version), tuple(entries))


def _about(version: VersionReport) -> str:
    if version.rollback:
        return f"The skill as it was in {version.rollback}."
    if not version.lessons:
        return _plain(version.release.message.partition("\n")[0])
    count, traces = version.count, version.traces
    told = f"{count} lesson{'s' * (count != 1)}" + (f" from {traces} trace{'s' * (traces != 1)}" if traces else "")
    return f"{told} ({', '.join(map(str, version.runs))})."


def _entries(nodes: NodeStore, taught: Sequence[Teaching]) -> Iterator[Entry]:
    """Give an entry for each thing that was taught, the best supported first."""
    found: dict[tuple[str, Support | None], Entry] = {}
    for each in taught:
        recorded = nodes.lesson(each.commit)
        key = (recorded.lesson.title, each.support)
        first = found.get(key)
        if first is None:
            found[key] = Entry(_kind(recorded.changes), str(each.lesson), recorded.lesson.title, each.support)
        else:
            found[key] = replace(first, others=first.others + 1)
    return iter(
        sorted(found.values(), key=lambda entry: (-(entry.support.traces if entry.support else 0), entry.lesson))
    )


def _kind(changes: Changes) -> Kind:
    real = [change for change in changes if not isinstance(change, Ending)]
    if all(isinstance(change, Hunk) and change.is_insert for change in real):
        return Kind.ADDED
    gone = (isinstance(change, Removal) or (isinstance(change, Hunk) and not change.lines) for change in real)
    return Kind.REMOVED if all(gone) else Kind.CHANGED


def _plain(words: str) -> str:
    parts = _CODE.split(visible(" ".join(words.split())))
    return "".join(part if number % 2 else _MARKUP.sub(r"\\\1", part) for number, part in enumerate(parts))
