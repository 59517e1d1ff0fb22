"""Two versions of a skill compared by section, each added line with the lesson that taught it, and what it means."""

from dataclasses import dataclass
from typing import Any

from gitskill.checks.finding import Finding
from gitskill.checks.reach import reach_findings
from gitskill.checks.risk import risk_of, worst, worst_first
from gitskill.ids import CommitId
from gitskill.report.sources import SourcedLine, sourced
from gitskill.skill.bump import Bump, bump
from gitskill.skill.diff import line_spans
from gitskill.skill.sections import outline
from gitskill.skill.snapshot import SKILL_FILE, Skill, is_binary
from gitskill.skill.tokens import estimate
from gitskill.skill.words import Piece, word_diff
from gitskill.store.nodes import NodeStore
from gitskill.store.tags import releases
from gitskill.version import Version


@dataclass(frozen=True, slots=True)
class Difference:
    """Neighbouring lines of one section that differ."""

    path: str
    section: str
    """The headings above the lines, outermost first; empty above the first heading."""
    line: int
    """Where it begins in the newer version, counted from 1."""
    removed: tuple[str, ...]
    added: tuple[SourcedLine, ...]

    @property
    def words(self) -> tuple[Piece, ...]:
        """What changed inside the lines; nothing where lines only came or only went."""
        return word_diff(self.removed, [line.line.text for line in self.added])

    def to_json(self) -> dict[str, Any]:
        """Give it as a part of `diff --json`."""
        added = [{"text": x.line.text, "lessons": [str(lesson) for lesson in x.line.lessons]} for x in self.added]
        where = {"path": self.path, "section": self.section, "line": self.line}
        words = [{"mark": str(piece.mark), "text": piece.text} for piece in self.words]
        return {**where, "removed": list(self.removed), "added": added, "words": words}


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between two versions."""

    differences: tuple[Difference, ...]
    replaced: tuple[str, ...]
    """Files that have no lines and differ."""
    otherwise: tuple[str, ...]
    """Files that differ in no line: in their mode, kind or final newline."""
    created: tuple[str, ...]
    deleted: tuple[str, ...]
    tokens: tuple[int, int]
    """The estimated size of SKILL.md before and after."""
    reach: tuple[Finding, ...] = ()
    """What the newer version reaches that the older one did not, the worst first."""
    bump: Bump = Bump.NONE
    last: Version | None = None
    """The newest version that the older one is, or comes after; None where there is none."""

    @property
    def next(self) -> Version | None:
        """The version that the newer one would be; None where nothing differs or no version is known."""
        return self.last.after(self.bump) if self.last and self.bump is not Bump.NONE else None

    @property
    def is_empty(self) -> bool:
        """Nothing differs."""
        return not (self.differences or self.replaced or self.otherwise or self.created or self.deleted)

    @property
    def summary(self) -> str:
        """The whole in one line: lines added and removed, tokens before and after."""
        added = sum(len(item.added) for item in self.differences)
        removed = sum(len(item.removed) for item in self.differences)
        files = [f"{path} new" for path in self.created] + [f"{path} gone" for path in self.deleted]
        tokens = f"SKILL.md {self.tokens[0]:,} -> {self.tokens[1]:,} tokens"
        return "; ".join([f"+{added} -{removed} lines", tokens, *files])

    def to_json(self) -> dict[str, Any]:
        """Give the comparison as `diff --json` prints it; its keys are stable."""
        return {
            "differences": [item.to_json() for item in self.differences],
            "replaced": list(self.replaced),
            "otherwise": list(self.otherwise),
            "created": list(self.created),
            "deleted": list(self.deleted),
            "tokens": {"before": self.tokens[0], "after": self.tokens[1]},
            "risk": str(worst(self.reach)),
            "reach": [
                {"risk": str(risk_of(each)), "path": each.path, "line": each.line, "message": each.message}
                for each in self.reach
            ],
            "bump": str(self.bump),
            "version": {"last": str(self.last) if self.last else None, "next": str(self.next) if self.next else None},
        }


def compare(nodes: NodeStore, old: CommitId, new: CommitId) -> Comparison:
    """Compare the skill in two commits."""
    before, after = nodes.reader.read(old), nodes.reader.read(new)
    changed = [path for path in sorted(before.files.keys() | after.files) if _differs(before, after, path)]
    binary = [path for path in changed if any(is_binary(skill.files.get(path, b"")) for skill in (before, after))]
    found: list[Difference] = []
    for path in changed:
        if path not in binary:
            lines = sourced(nodes, path, new) if path in after.files else []
            found += _differences(path, before, after, lines)
    told = {item.path for item in found} | set(binary)
    return Comparison(
        differences=tuple(found),
        replaced=tuple(binary),
        otherwise=tuple(sorted({*changed, *_other_kind(before, after)} - told)),
        created=tuple(path for path in changed if path not in before.files),
        deleted=tuple(path for path in changed if path not in after.files),
        tokens=(_tokens(before), _tokens(after)),
        reach=worst_first(reach_findings(before, after)),
        bump=bump(before, after),
        last=_last(nodes, old),
    )


def _last(nodes: NodeStore, commit: CommitId) -> Version | None:
    repository = nodes.reader.repository
    past = (each for each in releases(repository, nodes.reader.folder) if repository.descends(commit, each.commit))
    return max((each.version for each in past), default=None)


def _differences(path: str, before: Skill, after: Skill, lines: list[SourcedLine]) -> list[Difference]:
    old, new = before.text(path), after.text(path)
    found: list[Difference] = []
    shift = 0
    for start, end, added in line_spans(old.lines, new.lines):
        at = start + shift
        shift += len(added) - (end - start)
        where = _section(str(new), at) if added else _section(str(old), start)
        found.append(Difference(path, where, at + 1, old.lines[start:end], tuple(lines[at : at + len(added)])))
    return found


def _section(text: str, line: int) -> str:
    inside = [section for section in outline(text).sections if section.start <= line < section.end]
    return " > ".join(inside[-1].path) if inside else ""


def _differs(before: Skill, after: Skill, path: str) -> bool:
    return before.files.get(path) != after.files.get(path)


def _other_kind(before: Skill, after: Skill) -> set[str]:
    """List what became executable or a link, or ceased to be."""
    kinds = {path for path, kind in before.foreign.items() ^ after.foreign.items() if kind != "other"}
    return kinds | ((before.executable ^ after.executable) & before.files.keys() & after.files.keys())


def _tokens(skill: Skill) -> int:
    return estimate(str(skill.text(SKILL_FILE)))
