"""What comes from a remote, held against what it claims to be: anybody may have pushed it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from gitskill.errors import GitskillError, InvalidInput
from gitskill.ids import CommitId
from gitskill.redact.redactor import Redactor, redacted
from gitskill.store.analyses import anomalies, fates, plan_of
from gitskill.store.documents import content_id, load, path_of
from gitskill.store.repository import Repository
from gitskill.store.runs import read as read_record
from gitskill.store.share import files_of
from gitskill.store.traces import ABOUT, Entry, parse, parse_entry
from gitskill.store.verdicts import verdicts

_MAX_BYTES = 100_000_000
_REJECTION = {"content", "lesson", "title", "rule", "reason", "who", "when"}
_HASHES = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def record_problem(repository: Repository, commit: str, name: str, redactor: Redactor) -> str:
    """Say why a commit is no record of the run `name` that may be kept here; empty where it is one."""
    try:
        run = read_record(repository, CommitId(commit), name)
        if run.base not in repository.git:
            return f"it stands on {run.base[:10]}, which is not here: git fetch first"
        plan_of(repository, run)
        fates(repository, run)
        anomalies(repository, run)
        verdicts(repository, run)
        for path, oid in files_of(repository, commit).items():
            if _is_secret(json.loads(repository.read_object(oid)), redactor):
                return f"{path} holds what looks like a secret or personal"
    except GitskillError as error:
        return str(error)
    except (ValueError, RecursionError):
        return "it holds what is no JSON"
    return ""


def trace_document(repository: Repository, root: str, trace: str, redactor: Redactor) -> tuple[bytes, Entry]:
    """Read a trace with what is kept beside it out of another's tree, or raise InvalidInput: it is not to be kept."""
    found = dict(load(repository, root, [path_of(trace), path_of(trace, ABOUT)]))
    data, about = found[path_of(trace)], found[path_of(trace, ABOUT)]
    if content_id(data) != trace:
        raise InvalidInput("its content is not what its name says")
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"it is larger than {_MAX_BYTES:,} bytes")
    read, entry = parse(data), parse_entry(path_of(trace, ABOUT), about)
    if redacted(read, redactor)[0] != read or _is_secret(json.loads(about), redactor):
        raise InvalidInput("it holds what looks like a secret or personal")
    return data, entry


def rejection_problem(name: str, data: bytes, redactor: Redactor) -> str:
    """Say why a document is not what a person turned down; empty where it is."""
    try:
        found: object = json.loads(data)
    except (ValueError, RecursionError):
        return "it is no JSON"
    if not isinstance(found, dict) or found.keys() != _REJECTION or found["content"] != name:
        return "it is not what its name says"
    if type(found["when"]) is not int or not all(isinstance(found[key], str) for key in _REJECTION - {"when"}):
        return "it holds a value of another kind"
    return "it holds what looks like a secret or personal" if _is_secret({**found, "who": ""}, redactor) else ""


def _is_secret(found: object, redactor: Redactor) -> bool:
    redaction = redactor.session()
    return any(redaction.text(text) != text for text in _texts(found) if not _HASHES.fullmatch(text))


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for key, value in found.items():
            yield from (key, *_texts(value))
    elif isinstance(found, list):
        for item in found:
            yield from _texts(item)
