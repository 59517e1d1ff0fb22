"""How one shell command differs from another, as a person would say it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from gitskill.analysts.offline.commands import Stage, programs, stages
from gitskill.analysts.offline.masks import code, general

MOST_WORDS = 12
"""Words that may change: what differs more is another attempt, not the same one put right."""
_LONGEST = 70
_NOTHING = {"true", ":", "echo", "printf", "false", "exit"}
_PROGRAM_TEXT = re.compile(r"[${}*%\\^\[\]();|!?]|^.\s*.$")
_FILE = re.compile(r"[\w-]*[A-Za-z_][\w-]*\.[A-Za-z]{1,5}\d?")
_FLAG = re.compile(r"-{1,2}[A-Za-z]")
_HOME = re.compile(r"^/(?:home|Users|root|private|tmp|var|workspace|testbed)\b")


@dataclass(frozen=True, slots=True)
class Change:
    """A piece of a command and what stands in its place; one of the two may be empty."""

    old: str
    new: str
    program: str
    """The program that both belong to; empty where the program itself changed."""
    was: tuple[str, ...] = field(default=(), compare=False)
    """The words as they were written."""
    now: tuple[str, ...] = field(default=(), compare=False)
    runs: frozenset[str] = field(default=frozenset(), compare=False)
    """Every program that the old words run."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Everything that differs between two commands, made general."""

    changes: tuple[Change, ...]
    words: int
    """How many words were added or removed."""
    cased: bool
    """Some of it changes nothing but case."""

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """What makes two edits the same."""
        return tuple((change.old, change.new) for change in self.changes)


def edit_between(old: str, new: str) -> Edit | None:
    """Say how to come from one command to the other; None where only names, paths and numbers differ."""
    before, after = stages(old), stages(new)
    if len(before) != len(after) and _all_words(before) == _all_words(after):
        return Edit((_whole(before, after),), 0, cased=False)
    kept = SequenceMatcher(None, [_text(stage) for stage in before], [_text(stage) for stage in after], autojunk=False)
    changes: list[Change] = []
    words, cased = 0, False
    for what, a, b, c, d in kept.get_opcodes():
        if what == "equal":
            continue
        gone, come = before[a:b], after[c:d]
        words += _moved(gone, come)
        cased = cased or _is_cased(gone, come)
        changes += _changes(gone, come)
    kept_changes = tuple(
        dict.fromkeys(change for change in changes if change.was != change.now or change.old != change.new)
    )
    return Edit(kept_changes, words, cased) if kept_changes else None


def shown(word: str, *, first: bool = False) -> str:
    """Make one word of a command general: programs, flags and small programs in quotes stay."""
    if first:
        return word.rsplit("/", 1)[-1] if _HOME.match(word) else word
    if word[:1] in {"'", '"'} and word[-1:] == word[:1] and len(word) > 1:
        return _quoted(word)
    if word.startswith("-"):
        flag, mark, value = word.partition("=")
        return f"{flag}={shown(value)}" if mark and value else word[:40]
    return _shown_bare(word)


def _shown_bare(word: str) -> str:
    if "$(" in word or word.startswith(("<(", ">(")):
        return _cut(_paths_masked(word))
    if re.fullmatch(r"\d*(?:>>?|<)&?.*", word):
        return word if "/dev/null" in word or "&" in word else re.sub(r"[^<>\d].*", "FILE", word, count=1)
    if "/" in word:
        return _special(word) or "PATH"
    if _PROGRAM_TEXT.search(word) or re.fullmatch(r"\d{1,2}", word):
        return _cut(word)
    return "FILE" if _FILE.fullmatch(word) else general(word, 40)


def _cut(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[:_LONGEST]}\u2026"


def _paths_masked(word: str) -> str:
    return re.sub(r"(?<![\w$])[\w.~-]*(?:/[\w.*@-]*)+", "PATH", word)


def _special(word: str) -> str:
    """Show of a path only the sign in it that a shell reads as its own."""
    found = re.search(r"\(|\[|\{|\*|\?", word)
    return f"\u2026{found[0]}\u2026" if found else ""


def is_fallback(new: str, old: str) -> bool:
    """Tell whether the new command only prints something where the old one did something."""
    return only_prints(new) and not programs(old) <= _NOTHING


def only_prints(command: str) -> bool:
    """Tell whether a command does nothing but print what it was given."""
    return bool(programs(command)) and programs(command) <= _NOTHING


def _quoted(word: str) -> str:
    inner = word[1:-1]
    if "$(" in inner:
        return _cut(_paths_masked(word))
    if re.search(r"[{$]", inner):
        return _cut(re.sub(r"(?:/[\w.-]{2,}){2,}", "PATH", word))
    if _PROGRAM_TEXT.search(inner) and "/" not in inner.replace("\\/", ""):
        return word if len(word) <= _LONGEST else f"{word[0]}\u2026{word[0]}"
    if special := _special(inner) if "/" in inner else "":
        return f"{word[0]}{special}{word[0]}"
    if len(word) <= 4 or not inner.strip():
        return word
    return f"{word[0]}\u2026{word[0]}"


def _all_words(group: Sequence[Stage]) -> list[str]:
    return [word for stage in group for word in stage.words]


def _text(stage: Stage) -> str:
    return " ".join(stage.words)


def _moved(gone: Sequence[Stage], come: Sequence[Stage]) -> int:
    """Count the words that differ."""
    one, other = [word for each in gone for word in each.words], [word for each in come for word in each.words]
    codes = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for what, a, b, c, d in codes if what != "equal")


def _is_cased(gone: Sequence[Stage], come: Sequence[Stage]) -> bool:
    one, other = [word for each in gone for word in each.words], [word for each in come for word in each.words]
    lost, found = set(one) - set(other), set(other) - set(one)
    return bool({word.lower() for word in lost} & {word.lower() for word in found})


def _changes(gone: Sequence[Stage], come: Sequence[Stage]) -> list[Change]:
    """Pair the stages that run the same program; what is left is replaced as a whole."""
    if len(gone) == len(come) and all(a.program == b.program for a, b in zip(gone, come, strict=True)):
        return [change for a, b in zip(gone, come, strict=True) for change in _within(a, b)]
    shared = [(a, b) for a in gone for b in come if a.program == b.program]
    if len(shared) == 1:
        (a, b) = shared[0]
        rest = [_whole([x for x in gone if x is not a], [x for x in come if x is not b])]
        return [*_within(a, b), *(change for change in rest if change.old or change.new)]
    return [_whole(gone, come)]


def _whole(gone: Sequence[Stage], come: Sequence[Stage]) -> Change:
    was, now = (tuple(word for each in group for word in each.words) for group in (gone, come))
    return Change(_line(gone), _line(come), "", was, now, _called(gone))


def _line(group: Sequence[Stage]) -> str:
    parts = []
    for place, stage in enumerate(group):
        if place:
            parts.append(";" if stage.lead == "\n" else stage.lead)
        parts.append(_shortened([shown(word, first=which == 0) for which, word in enumerate(stage.words)]))
    return " ".join(part for part in parts if part).replace(" ; ", "; ")


def _shortened(words: Sequence[str]) -> str:
    line = ""
    for word in words:
        if len(line) + len(word) > _LONGEST:
            return f"{line} \u2026"
        line = f"{line} {word}".strip()
    return line


def _within(old: Stage, new: Stage) -> list[Change]:
    """Say what differs within one program's words, each with the flag that it belongs to."""
    one, other = list(old.words), list(new.words)
    found = []
    for what, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        lead = 1 if a > 1 and c > 1 and _FLAG.match(one[a - 1]) and not _FLAG.match((one[a:b] or other[c:d])[0]) else 0
        was, now = tuple(one[a - lead : b]), tuple(other[c - lead : d])
        found.append(Change(_words(was, a == lead), _words(now, c == lead), _owner(old, a), was, now, _called([old])))
    return found


def _owner(stage: Stage, at: int) -> str:
    """Name the program that the word at a place is given to: `find` and `xargs` run others in between."""
    called = list(stage.called)
    owner = called[0] if called else ""
    inner = ""
    for word in stage.words[:at]:
        if word in {"\\;", "';'", "+"}:
            inner = ""
        elif word in called[1:]:
            inner = word
    return f"{owner} \u2026 {inner}" if inner else owner


def _called(group: Sequence[Stage]) -> frozenset[str]:
    return frozenset(name.rsplit("/", 1)[-1] for stage in group for name in stage.called)


def _words(words: Sequence[str], first: bool) -> str:
    return _shortened([shown(word, first=first and place == 0) for place, word in enumerate(words)])


def told(change: Change) -> tuple[str, str]:
    """Give a change as a situation and what to do in it."""
    name = code(change.program) if change.program else ""
    if not change.program:
        return _told_whole(change)
    if not change.old:
        return f"{name} is run without {code(change.new)}", f"add {code(change.new)}"
    if not change.new:
        return f"{name} is given {code(change.old)}", f"leave {code(change.old)} out"
    return f"{name} is given {code(change.old)}", f"give it {code(change.new)}"


def _told_whole(change: Change) -> tuple[str, str]:
    if not change.old:
        return "", f"add {code(change.new)}"
    if not change.new:
        return f"{code(change.old)} is part of the command", f"leave {code(change.old)} out"
    return f"{code(change.old)} is run", f"use {code(change.new)}"
