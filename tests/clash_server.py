"""An endpoint that settles clashes by keeping the first lesson of each set."""

import json
import re

from fault_server import Reaction, Seen, ok

_SET = re.compile(r"^Set \d+:\n.*?(?=^Set \d+:|^Others of this group)", re.MULTILINE | re.DOTALL)
_LESSON = re.compile(r"^(l\d{4}[a-z]) \(", re.MULTILINE)


def keep_first(seen: Seen) -> Reaction:
    """Keep the first lesson of each set, and drop the others for it."""
    decided = []
    for told in _SET.findall(seen.json["messages"][1]["content"]):
        first, *others = _LESSON.findall(told)
        named = [("keep", [first], ""), ("drop", others, f"{first} says it best")]
        decided += [{"do": do, "lessons": each, "reason": why, "edits": []} for do, each, why in named if each]
    return ok(json.dumps({"decisions": decided}))
