"""Which tags this clone has seen, and what they pointed to: only memory shows that one was moved or taken away.

What was tagged here is in the log of operations. What came from elsewhere and
was verified is kept beside the ledger, where no fetch writes.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gitskill.errors import InvalidInput
from gitskill.store.oplog import operations
from gitskill.store.repository import Repository
from gitskill.store.tags import TAGS

_OID = re.compile(r"[0-9a-f]{40}")


def seen(repository: Repository) -> dict[str, str]:
    """Give every tag that was seen here, with the id of what it pointed to; not those that were taken back here."""
    found = _remembered(repository)
    for operation in reversed(list(operations(repository))):
        for step in operation.moves:
            if not step.ref.startswith(TAGS):
                continue
            name = step.ref.removeprefix(TAGS)
            if step.new is None:
                found.pop(name, None)
            else:
                found[name] = step.new
    return found


def remember(repository: Repository, tags: Mapping[str, str]) -> None:
    """Keep what `tags` point to. What is known already stays as it is."""
    known = _remembered(repository)
    if all(name in known for name in tags):
        return
    place = _place(repository)
    place.parent.mkdir(exist_ok=True)
    text = json.dumps({**tags, **known}, indent=1, sort_keys=True) + "\n"
    with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(place)


def _place(repository: Repository) -> Path:
    return repository.common_dir / "gitskill" / "seen.json"


def _remembered(repository: Repository) -> dict[str, str]:
    place = _place(repository)
    try:
        found: object = json.loads(place.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{place} cannot be read: {error}", hint="delete it to begin anew") from error
    if not isinstance(found, dict) or not all(isinstance(oid, str) and _OID.fullmatch(oid) for oid in found.values()):
        raise InvalidInput(f"{place} is no list of tags", hint="delete it to begin anew")
    return {str(name): oid for name, oid in found.items()}
