"""One pattern for many literals, in the shape of a tree, so that a search tries each beginning once."""

import re
from collections.abc import Iterable
from itertools import groupby

from gitskill.redact.kinds import Kind


def any_of(literals: Iterable[bytes]) -> re.Pattern[bytes]:
    """Compile a pattern that is found wherever one of the literals stands."""
    return re.compile(_branches(sorted(set(literals))))


def _branches(literals: list[bytes]) -> bytes:
    if b"" in literals:
        return b""
    groups = [(first, [literal[1:] for literal in group]) for first, group in groupby(literals, lambda text: text[:1])]
    branches = [re.escape(first) + _branches(rest) for first, rest in groups]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"


def by_shortest(kinds: Iterable[Kind]) -> dict[bytes, list[Kind]]:
    """Give for each literal that begins with no other one the kinds to try where it stands, in the table's order."""
    pairs = [(literal, kind) for kind in kinds for literal in kind.literals]
    found: dict[bytes, list[Kind]] = {}
    for literal, kind in pairs:
        first = min((other for other, _ in pairs if literal.startswith(other)), key=len)
        if kind not in found.setdefault(first, []):
            found[first].append(kind)
    return found
