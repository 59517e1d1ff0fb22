"""The format check: whether a host can load this skill, and everything in it leads somewhere.

For a whole skill only what a host cannot load is invalid; all else is a
warning, since real skills are full of it. For a change the measure is the
base: what was wrong before is dropped, what is newly wrong counts.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Self
from urllib.parse import unquote

from markdown_it import MarkdownIt

from gitskill.checks import specification as spec
from gitskill.checks.finding import Finding, Level
from gitskill.checks.hidden import hidden_names
from gitskill.checks.paths import case_clash, clash_finding, name_problem
from gitskill.checks.size import size_findings
from gitskill.skill import frontmatter
from gitskill.skill.frontmatter import Frontmatter
from gitskill.skill.snapshot import SKILL_FILE, Skill, is_binary

CHECK = "format"

MAX_PARAGRAPH = 5_000
"""Characters of one paragraph that are searched for links: the parser's time grows with their square."""

_MARKER = re.compile(r"^(?:<<<<<<<|>>>>>>>) ", re.MULTILINE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

# Links are read from each block apart, for MAX_PARAGRAPH; so the pass over the whole file leaves them alone.
_BLOCKS = MarkdownIt("commonmark").enable("table").disable("inline")
_INLINE = MarkdownIt("commonmark")


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a link in a skill may lead."""

    known: frozenset[str]
    """Files and folders."""
    foreign: tuple[str, ...]
    """What is not the skill's, and so anything below it: we do not follow."""

    @classmethod
    def of(cls, skill: Skill) -> Self:
        known: set[str] = set()
        for path in skill.files:
            known |= {path, *(str(folder) for folder in PurePosixPath(path).parents)}
        return cls(frozenset(known), tuple(skill.foreign))

    def lead(self, path: str) -> bool:
        return path in self.known or any(path == name or path.startswith(name + "/") for name in self.foreign)


def check_skill(skill: Skill, folder: str, *, base: Skill | None = None) -> tuple[Finding, ...]:
    """Check the files, frontmatter, links and sizes of `skill`, whose folder is `folder` ("": not known).

    With `base`, only what a change made worse is found, and broken links,
    orphans, unsafe names and frontmatter are then invalid, as is a new `name`.
    """
    found = list(_findings(skill, folder, Level.WARNING if base is None else Level.INVALID))
    if base is not None:
        known = _known(base, folder)
        found = [finding for finding in found if _identity(finding) not in known]
        found += _rename(_matter(base), _matter(skill))
    found += size_findings(skill, base)
    return tuple(sorted(found, key=lambda f: (f.path, f.line or 0, f.check, f.message)))


@lru_cache(maxsize=4)
def _known(base: Skill, folder: str) -> frozenset[tuple[str, str, str]]:
    """Name what is wrong with a base: every lesson of a run is held against the same one."""
    return frozenset(_identity(finding) for finding in _findings(base, folder, Level.INVALID))


def _findings(skill: Skill, folder: str, newly: Level) -> Iterator[Finding]:
    yield from _frontmatter(skill, folder, newly)
    yield from _names(skill, newly)
    texts = {path: _decoded(data) for path, data in sorted(skill.files.items()) if _is_text(path, data)}
    yield from _contents(skill, texts, newly)
    yield from _orphans(texts, newly)
    places = _Places.of(skill)
    for path, text in texts.items():
        if path.endswith(".md"):
            yield from _links(path, text, places, newly)


def _identity(finding: Finding) -> tuple[str, str, str]:
    return finding.check, finding.path, finding.message  # not the line: a change above moves it


def _rename(old: Frontmatter, new: Frontmatter) -> list[Finding]:
    before, after = old.fields.get("name"), new.fields.get("name")
    if before is None or after is None or before == after:
        return []
    message = f"the name changed from {before!r:.80} to {after!r:.80}"
    return [Finding(CHECK, Level.INVALID, SKILL_FILE, new.line_of("name"), message)]


def _frontmatter(skill: Skill, folder: str, newly: Level) -> Iterator[Finding]:
    data = skill.files.get(SKILL_FILE)
    if data is None:
        yield Finding(CHECK, Level.INVALID, SKILL_FILE, None, "the skill has no SKILL.md")
        return
    if is_binary(data) or not spec.is_utf8(data):
        yield Finding(CHECK, Level.INVALID, SKILL_FILE, None, "SKILL.md is not UTF-8 text")
        return
    matter = _matter(skill)
    if matter.problem:
        yield Finding(CHECK, Level.INVALID, SKILL_FILE, matter.problem_line, matter.problem)
        return
    for key, level, problem in _fields(matter.fields, folder, newly):
        yield Finding(CHECK, level, SKILL_FILE, matter.line_of(key), problem)
    for key, value in matter.fields.items():
        # Escapes in YAML make characters that the text of the file does not show.
        if names := hidden_names("".join(_leaves({key: value})).replace("\n", "")):
            message = f"the value of {key[:60]!r} hides {names}"
            yield Finding("hidden", Level.INVALID, SKILL_FILE, matter.line_of(key), message)


def _fields(fields: Mapping[str, object], folder: str, newly: Level) -> Iterator[tuple[str, Level, str]]:
    for problem in spec.name_problems(fields):
        yield "name", Level.INVALID, problem
    for problem in spec.description_problems(fields):
        yield "description", Level.INVALID, problem
    for problem in spec.compatibility_problems(fields):
        yield "compatibility", newly, problem
    for problem in spec.folder_problems(fields, folder):
        # Most hosts load it, and renaming the folder mends it: nothing is wrong with what is in it.
        yield "name", Level.WARNING, problem
    for key in spec.unknown_keys(fields):
        yield key, Level.WARNING, f"the key {key[:60]!r} is not in the specification; it is kept as it is"


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (leaf for pair in value.items() for part in pair for leaf in _leaves(part))
    elif isinstance(value, list):
        yield from (leaf for item in value for leaf in _leaves(item))


def _names(skill: Skill, newly: Level) -> Iterator[Finding]:
    # Where a file stands is free in a whole skill (LICENSE.txt, evals/); only lessons are kept to our folders.
    for path in sorted(skill.files):
        if problem := name_problem(path):
            yield Finding("path", newly, path, None, f"the path {path!r} {problem}")
    for path, kind in sorted(skill.foreign.items()):
        if kind != "other":
            yield Finding("path", newly, path, None, f"{path!r} is a {kind}: it is never followed or changed")
    for one, other in case_clash([*skill.files, *(path for path, kind in skill.foreign.items() if kind != "other")]):
        yield clash_finding(one, other, newly)


def _contents(skill: Skill, texts: Mapping[str, str], newly: Level) -> Iterator[Finding]:
    for path, data in sorted(skill.files.items()):
        if path.endswith(".md") and path != SKILL_FILE and (is_binary(data) or not spec.is_utf8(data)):
            yield Finding(CHECK, newly, path, None, f"{path!r} is not UTF-8 text")
    for path, text in texts.items():
        if marker := _MARKER.search(text):
            # A skill about merging may show one, so a new one is for a person to judge.
            level = Level.HELD if newly is Level.INVALID else newly
            line = text.count("\n", 0, marker.start()) + 1
            yield Finding(CHECK, level, path, line, f"{path!r} has a conflict marker")


def _orphans(texts: Mapping[str, str], newly: Level) -> Iterator[Finding]:
    for path in texts:
        if not (path.startswith("references/") and path.endswith(".md")):
            continue
        name = posixpath.basename(path)
        if not any(_mentions(text, name) for other, text in texts.items() if other != path):
            yield Finding(CHECK, newly, path, None, f"no other file links to or mentions {path!r}")


def _mentions(text: str, name: str) -> bool:
    return name in text and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None


def _links(path: str, text: str, places: _Places, newly: Level) -> Iterator[Finding]:
    if "]" not in text:
        return
    for line, href in _hrefs(text, is_skill=path == SKILL_FILE):
        if href is None:
            message = f"a paragraph is longer than {MAX_PARAGRAPH:,} characters; its links are not checked"
            yield Finding(CHECK, Level.WARNING, path, line, message)
        elif problem := _broken(path, href, places):
            yield Finding(CHECK, newly, path, line, problem)


@lru_cache(maxsize=256)
def _hrefs(text: str, *, is_skill: bool) -> tuple[tuple[int, str | None], ...]:
    """Give the links of a file with their lines; None for a paragraph that is too long to look for any."""
    matter = frontmatter.split(text) if is_skill else Frontmatter("", text)
    env: dict[str, Any] = {}
    found: list[tuple[int, str | None]] = []
    line = 0
    for block in _BLOCKS.parse("\n" * matter.body_line + matter.body, env):
        line = block.map[0] + 1 if block.map else line
        if block.type != "inline" or "]" not in block.content:
            continue
        if len(block.content) > MAX_PARAGRAPH:
            found.append((line, None))
            continue
        found += [(line + offset, href) for offset, href in _targets(block.content, env)]
    return tuple(found)


def _targets(content: str, env: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Give the links and images of one block with the number of line breaks before each."""
    breaks = 0
    for token in _INLINE.parseInline(content, env)[0].children or ():
        breaks += token.type in {"softbreak", "hardbreak"}
        if href := token.attrGet("href" if token.type == "link_open" else "src"):
            yield breaks, str(href)


def _broken(path: str, href: str, places: _Places) -> str:
    target = unquote(href.partition("#")[0].partition("?")[0])
    if not target or target.startswith("/") or _SCHEME.match(href):
        return ""  # inside this file, or nothing that this skill could hold
    near = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    from_root = posixpath.normpath(target)  # the specification counts from the skill's root
    if places.lead(near) or places.lead(from_root):
        return ""
    if near == ".." or near.startswith("../"):
        return f"links to {target[:100]!r}, outside the skill"
    return f"links to {target[:100]!r}, which is not in the skill"


def _matter(skill: Skill) -> Frontmatter:
    return frontmatter.split(str(skill.text(SKILL_FILE)))


def _is_text(path: str, data: bytes) -> bool:
    return path.endswith(".md") or not is_binary(data)  # a NUL does not take Markdown out of the checks


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")
