"""One lesson, and its commit message: written so that it can be read back exactly."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.message import Message, one_line, tidy

MAX_TITLE = 200
PERSON = "person"
"""The analyst of a lesson that a person wrote."""

_CRITICAL = "critical"
_TRACE = re.compile(r"(\S+) task=(.*) (\S+)")
_OF = re.compile(r"(r\d+/l\d+[a-z]) ([0-9a-f]{40})")
_EVIDENCE = re.compile(r"(\S+) step=(\d+)")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class TraceRef:
    """The run of an agent that taught a lesson."""

    trace: str
    task: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Text that stands in a trace, quoted exactly."""

    trace: str
    step: int
    quote: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned and why. The edits are the commit's tree, not part of this value."""

    id: LessonId
    title: str
    cause: str
    analyst: str = PERSON
    traces: tuple[TraceRef, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    verified: str = ""
    """What was tried to prove it, and how that ended."""
    critical: bool = False
    """Its analyst says that ignoring it cannot be made good: it stands in SKILL.md however rarely it was seen."""
    of: tuple[LessonId, CommitId] | None = None
    """The lesson that this one was made of anew: on another base, or as a part of it."""
    clash: str = ""
    """What the new base had changed too, so that a person must look."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", one_line(tidy(self.title)))
        object.__setattr__(self, "cause", tidy(self.cause))
        if not self.title:
            raise InvalidInput("a lesson needs a title")
        if len(self.title) > MAX_TITLE:
            raise InvalidInput(f"the title has {len(self.title)} characters, at most {MAX_TITLE} fit")

    @property
    def slug(self) -> str:
        """The title as the end of a branch name: short, lower case, without any character git forbids."""
        words = _NOT_SLUG.sub("-", self.title.lower()).strip("-")
        return words[:41].rsplit("-", 1)[0][:40] if len(words) > 40 else words

    def message(self) -> Message:
        """Write the lesson as its commit's message.

        Quotes stand at the end of the body, each line behind `> `, so that no
        quoted text can pose as a trailer.
        """
        quotes = ["\n".join(f"> {line}" if line else ">" for line in item.quote.split("\n")) for item in self.evidence]
        trailers = [
            ("Gitskill-Run", str(self.id.run)),
            ("Lesson", self.id.short),
            ("Analyst", self.analyst),
            *((("Lesson-Of", f"{self.of[0]} {self.of[1]}"),) if self.of else ()),
            *((("Clash", f"base {one_line(self.clash)}"),) if self.clash else ()),
            *((("Verified", one_line(self.verified)),) if self.verified else ()),
            *((("Severity", _CRITICAL),) if self.critical else ()),
            *(("Trace", f"{ref.trace} task={one_line(ref.task)} {ref.outcome}") for ref in self.traces),
            *(("Evidence", f"{item.trace} step={item.step}") for item in self.evidence),
        ]
        return Message(self.title, "\n\n".join(part for part in (self.cause, *quotes) if part), tuple(trailers))

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read a lesson from its commit's message, or raise InvalidInput: it is not a lesson's."""
        run, short = message.one("Gitskill-Run"), message.one("Lesson")
        if run is None or short is None:
            raise InvalidInput("the commit has no Gitskill-Run and Lesson trailers, so it is no lesson")
        places = [_match(_EVIDENCE, value) for value in message.values("Evidence")]
        cause, quotes = _cut_quotes(message.body, len(places))
        return cls(
            id=LessonId.parse(f"{RunId.parse(run)}/{short}"),
            title=message.subject,
            cause=cause,
            analyst=message.one("Analyst") or PERSON,
            verified=message.one("Verified") or "",
            critical=message.one("Severity") == _CRITICAL,
            of=_source(message),
            clash=(message.one("Clash") or "").removeprefix("base "),
            traces=tuple(TraceRef(*_match(_TRACE, value).groups()) for value in message.values("Trace")),
            evidence=tuple(Evidence(m[1], int(m[2]), quote) for m, quote in zip(places, quotes, strict=True)),
        )


def _source(message: Message) -> tuple[LessonId, CommitId] | None:
    told = message.one("Lesson-Of")
    if told is None:
        return None
    found = _match(_OF, told)
    return LessonId.parse(found[1]), CommitId(found[2])


def _match(pattern: re.Pattern[str], value: str) -> re.Match[str]:
    if match := pattern.fullmatch(value):
        return match
    raise InvalidInput(f"not a trailer that a lesson can have: {value!r}")


def _cut_quotes(body: str, count: int) -> tuple[str, list[str]]:
    """Split the last `count` quoted paragraphs off `body`."""
    paragraphs = body.split("\n\n") if body else []
    quoted = paragraphs[len(paragraphs) - count :] if count else []
    if len(quoted) != count or not all(line.startswith(">") for part in quoted for line in part.split("\n")):
        raise InvalidInput(f"the lesson names {count} pieces of evidence but does not quote that many")
    return "\n\n".join(paragraphs[: len(paragraphs) - count]), [_unquote(part) for part in quoted]


def _unquote(paragraph: str) -> str:
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in paragraph.split("\n"))


def distinct(refs: Iterable[TraceRef]) -> tuple[int, int]:
    """Count distinct traces and distinct tasks: what support is."""
    known = set(refs)
    return len({ref.trace for ref in known}), len({ref.task for ref in known})
