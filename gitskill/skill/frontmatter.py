"""The YAML at the top of SKILL.md: cut off exactly, read leniently, never written back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gitskill.skill import safe_yaml

BOM = "\ufeff"

# A line ends at \n, as everywhere in gitskill: a lone carriage return is part of its line.
_OPEN = re.compile(BOM + r"?---[ \t]*\r?\n")
_CLOSE = re.compile(r"^---[ \t]*\r?(?:\n|\Z)", re.MULTILINE)


@dataclass(frozen=True)
class Frontmatter:
    """SKILL.md in two parts; `raw + body` is the text, byte for byte."""

    raw: str
    """The frontmatter with both `---` lines, or nothing where there is none."""
    body: str
    fields: Mapping[str, object] = field(default_factory=dict)
    """What the YAML says, as `str`, `list` and `dict`; empty where `problem` says why it could not be read."""
    problem: str = ""
    problem_line: int = 1
    """Where in the file the problem is, counted from 1."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))

    @property
    def body_line(self) -> int:
        """Lines before the body, as `Text` counts them."""
        return self.raw.count("\n") + (self.raw != "" and not self.raw.endswith("\n"))

    @property
    def source(self) -> str:
        """The YAML between the two `---` lines."""
        opening = _OPEN.match(self.raw)
        closing = _CLOSE.search(self.raw, opening.end()) if opening else None
        return self.raw[opening.end() : closing.start()] if opening and closing else ""

    def line_of(self, key: str) -> int:
        """Give the line of a top-level `key`, counted from 1; the first line where it cannot be found."""
        found = re.search(rf"^(['\"]?){re.escape(key)}\1[ \t]*:", self.raw, re.MULTILINE)
        return self.raw.count("\n", 0, found.start()) + 1 if found else 1


def split(text: str) -> Frontmatter:
    """Cut `text` into frontmatter and body. Broken frontmatter is a `problem`, never an error.

    A skill must stay readable whatever is in it; what the problem means is
    for the checks to say. A byte order mark before the first `---` is tolerated.
    """
    opening = _OPEN.match(text)
    if not opening:
        return Frontmatter("", text, problem="no frontmatter: the first line is not ---")
    closing = _CLOSE.search(text, opening.end())
    if not closing:
        return Frontmatter("", text, problem="the frontmatter has no closing --- line")
    found = Frontmatter(text[: closing.end()], text[closing.end() :])
    try:
        return replace(found, fields=load_fields(found.source))
    except safe_yaml.UnsafeYaml as error:
        return replace(found, problem=f"the frontmatter has {error.reason}", problem_line=error.line)


def load_fields(source: str, *, strict: bool = False) -> dict[str, object]:
    """Read the YAML between the `---` lines; line numbers are those of the file.

    Raises UnsafeYaml also where it is anything but a mapping. `strict` is that of `safe_yaml.load`.
    """
    fields = safe_yaml.load("\n" + source, strict=strict)  # the empty line stands for the first ---
    if not isinstance(fields, dict):
        raise safe_yaml.UnsafeYaml("no `key: value` lines", 1)
    return fields


def quoted(text: str) -> str:
    """Write `text` on one line, as a YAML string that means the same wherever it stands."""
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'
