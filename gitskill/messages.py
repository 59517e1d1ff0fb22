"""Texts for people outside the terminal: `templates/messages` filled with values, in the Markdown that forges show.

Whatever comes from traces, models or repositories is only ever text there: it
begins no list, table cell, link or HTML, and it mentions and refers to nobody.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from gitskill.resources import resource
from gitskill.visible import visible

_MARKS = re.compile(r"([\\`*_{}\[\]()+~$|=])")
_REFERENCES = re.compile(
    r"(?<=[@#!%&~^$])(?=[\w\"'])"  # @ada, #12; and GitLab's !12, ~label, %milestone, &epic, ^alert
    r"|(?<=[A-Z]-)(?=\d)"  # GH-12, JIRA-12
    r"|(?<=:)(?=//)|(?<=\bwww)(?=\.)"  # addresses become links by themselves
    r"|(?<=\b[0-9a-fA-F]{6})(?=[0-9a-fA-F]+\b)",  # so do commits
    re.ASCII,
)
_GAP = "\u200b"
"""Nothing to the eye. Forges look for mentions in what is shown: neither a backslash nor an entity hides one."""


class Markdown(str):
    """Text that is Markdown already, written by us."""

    __slots__ = ()


def plain(text: str, most: int = 300) -> str:
    """Make one visible line of anybody's text that names and links nothing; for titles, which are no Markdown."""
    line = " ".join(visible(text).split())
    cut = line if len(line) <= most else line[: most - 3].rstrip() + "..."
    return _REFERENCES.sub(_GAP, cut)


def markdown(text: str, most: int = 300) -> Markdown:
    """Write anybody's text so that Markdown shows it as it is, in one line, in a table's cell too."""
    escaped = _MARKS.sub(r"\\\1", plain(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    # At the beginning of a line some characters would begin a list, a heading, a quotation or a GitLab command.
    return Markdown(re.sub(r"^(?:([#+\-:/])|(\d+)([.)]))", r"\2\\\1\3", escaped))


def code(text: str) -> Markdown:
    """Write text as code within a line, whatever backticks and bars it holds."""
    line = " ".join(visible(text).split()).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    gap = " " if line.startswith("`") or line.endswith("`") else ""
    return Markdown(f"{fence}{gap}{line}{gap}{fence}")


def fill(name: str, values: Mapping[str, Any]) -> str:
    """Fill `templates/messages/NAME`. What is no `Markdown` is made so; a name that is missing is an error."""
    return _environment().get_template(name).render(values).strip() + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(lambda name: resource(f"templates/messages/{name}").read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markdown) else markdown(str(value)),
        autoescape=False,  # noqa: S701 - that is for HTML; `finalize` escapes for Markdown
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = code
    return environment
