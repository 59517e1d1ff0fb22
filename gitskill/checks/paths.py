"""The path policy: which names a lesson may touch. The only place that decides it.

Neither git nor libgit2 nor `git fsck` is a boundary here: all of them accept
names that overwrite `.git` on another file system, hide their direction or
cannot be checked out on Windows. So names are allowed, not forbidden, one
component at a time.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from gitskill.checks.finding import Finding, Level
from gitskill.skill.snapshot import SKILL_FILE

FOLDERS = ("references", "scripts", "assets")
MAX_BYTES = 200
MAX_DEPTH = 6

# Letters, digits and three signs, never first a dot or a dash: no `.git` in any spelling, no `git~1`, no option,
# no control, bidirectional or composed character. All that is left to forbid by name is what Windows reserves.
_COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def path_problem(path: str) -> str:
    """Say why no lesson may touch `path`, or nothing where it may."""
    return name_problem(path) or _place_problem(path)


def name_problem(path: str) -> str:
    """Say why `path` is no safe name on every file system, wherever in the skill it stands; or nothing."""
    if path.startswith("/"):
        return "is absolute"
    if not unicodedata.is_normalized("NFC", path):
        return "is not in Unicode normal form C"
    if len(path.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    parts = path.split("/")
    if len(parts) > MAX_DEPTH:
        return f"is deeper than {MAX_DEPTH} names"
    return next((problem for part in parts if (problem := _component_problem(part))), "")


def case_clash(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Give the pairs of `paths` that one file system cannot hold together, each clashing path once.

    Names clash that differ in case only, files and folders alike, and so do a
    file and a folder of one name.
    """
    first: dict[str, tuple[str, bool, str]] = {}  # folded prefix: its spelling, whether it is a file, whose it is
    clashes = []
    for path in sorted(set(paths)):
        for prefix in _prefixes(path):
            is_file = prefix == path
            spelling, was_file, owner = first.setdefault(_folded(prefix), (prefix, is_file, path))
            if owner != path and (spelling != prefix or is_file or was_file):
                clashes.append((owner, path))
                break
    return clashes


def change_findings(changed: Iterable[str], existing: Iterable[str]) -> tuple[Finding, ...]:
    """Check the paths a lesson changes, in a skill that holds `existing`: what the policy refuses is invalid."""
    changed, existing = set(changed), set(existing)
    found = [
        Finding("path", Level.INVALID, path, None, f"the path {path!r} {problem}")
        for path in sorted(changed)
        if (problem := path_problem(path))
    ]
    known = set(case_clash(existing))
    for one, other in case_clash(changed | existing):
        if (one, other) not in known:
            found.append(clash_finding(one, other, Level.INVALID))
    return tuple(found)


def clash_finding(one: str, other: str, level: Level) -> Finding:
    """Say that two paths clash."""
    return Finding("path", level, other, None, f"the path {other!r} clashes with {one!r} where case does not count")


def _component_problem(part: str) -> str:
    if not _COMPONENT.fullmatch(part):
        return f"has the name {part[:80]!r}; a name is a letter or digit, then up to 63 of A-Z a-z 0-9 . _ -"
    if part.endswith("."):
        return f"has the name {part!r}, which Windows shortens"
    if _DEVICE.fullmatch(part):
        return f"has the name {part!r}, a device on Windows"
    return ""


def _place_problem(path: str) -> str:
    folder, inside, name = path.partition("/")
    if path == SKILL_FILE:
        return ""
    if not inside or folder not in FOLDERS:
        return "is neither SKILL.md nor in references/, scripts/ or assets/"
    # What a reference is, the specification says: Markdown that an agent reads. Scripts and assets may be of
    # any kind; what a script may do is not for its suffix to tell, so lessons that touch one are held.
    if folder == "references" and not name.endswith(".md"):
        return "is in references/ and does not end with .md"
    return ""


def _prefixes(path: str) -> Iterator[str]:
    for match in re.finditer("/", path):
        yield path[: match.start()]
    yield path


def _folded(name: str) -> str:
    # macOS also takes composed and decomposed characters for the same.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
