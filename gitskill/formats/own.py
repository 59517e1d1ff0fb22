"""gitskill's own format, which any harness can write: see docs/formats.md.

One document for each run, in a file or on a line: the trace as gitskill stores
it, with an `outcome` beside its keys. It is read strictly, so that whoever
writes it learns of a slip at once.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gitskill import codec
from gitskill.errors import InvalidInput
from gitskill.formats.loose import mapping
from gitskill.formats.reading import Reading, Refused, per_row
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace_document import MARK, from_document

NAME = "gitskill-trace"

_FORMAT = re.compile(r"[a-z0-9-]{1,40}")


def recognise(source: Source) -> bool:
    """Look for the key that says what the document is."""
    return bool(source.opening) and MARK in mapping(source.opening[0])


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each document."""
    return per_row(source, _run)


def _run(value: Any, place: str) -> Reading | Refused:
    try:
        return _reading(value, place)
    except InvalidInput as error:
        return Refused(f"{error} ({error.hint})" if error.hint else str(error), place)


def _reading(value: Any, place: str) -> Reading:
    document = mapping(value)
    trace = from_document({"format": NAME, **{key: item for key, item in document.items() if key != "outcome"}})
    if not _FORMAT.fullmatch(trace.format):
        raise InvalidInput(f"format is {trace.format[:40]!r}, not a name in small letters")
    if "outcome" not in document:
        return Reading(trace, UNLABELLED, place)
    outcome: Outcome = codec.load(Outcome, document["outcome"], "outcome")
    # A log says no more than a log may: it cannot pass for a person's own word.
    source = f"outcome, {outcome.source}" if outcome.source else "outcome"
    return Reading(trace, replace(outcome, source=source, who=""), place)
