"""A trace as JSON: what the store keeps, and what a harness may write itself."""

import hashlib
from collections.abc import Mapping
from typing import Any

from gitskill import codec
from gitskill.errors import InvalidInput
from gitskill.trace import Trace

VERSION = 1
MARK = "gitskill_trace"
"""The key that says what the document is, with its version."""


def to_document(trace: Trace) -> dict[str, Any]:
    """Write a trace as JSON values. What is empty is left out."""
    return {MARK: VERSION, **codec.dump(trace)}


def from_document(document: Any) -> Trace:
    """Read a trace, or raise InvalidInput that names the first place that is not right."""
    if not isinstance(document, Mapping) or MARK not in document:
        raise InvalidInput(f"not a trace: the key {MARK} is missing")
    if document[MARK] != VERSION:
        raise InvalidInput(f"{MARK} is {document[MARK]!r}, this gitskill reads {VERSION}")
    trace: Trace = codec.load(Trace, {key: value for key, value in document.items() if key != MARK})
    return trace


def canonical(trace: Trace) -> bytes:
    """Write a trace so that equal traces are equal bytes."""
    return codec.canonical(to_document(trace))


def trace_id(canonical_bytes: bytes) -> str:
    """Name a trace by its content."""
    return hashlib.sha256(canonical_bytes).hexdigest()
