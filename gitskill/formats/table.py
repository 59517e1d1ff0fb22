"""Every format that we read. A new one is a module, a line here and a fixture in the tests."""

from gitskill.errors import InvalidInput
from gitskill.formats import (
    atif,
    claude_code,
    claude_stream,
    codex,
    codex_exec,
    gemini,
    harbor,
    inspect_log,
    intercode,
    langfuse,
    mini_swe_agent,
    openai_chat,
    opencode,
    opencode_events,
    opencode_storage,
    openhands,
    openhands_sdk,
    otel,
    own,
    reflexion,
    spreadsheet_bench,
    swe_agent,
    tau2_bench,
    tau_bench,
    terminal_bench,
    trace2skill,
)
from gitskill.formats.inner import swe_reports
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Format
from gitskill.formats.source import Source

FORMATS: tuple[Format, ...] = (
    # These gather several files into one run, so they are read before those files are looked at by themselves.
    harbor,
    terminal_bench,
    opencode_storage,
    openhands_sdk,
    tau2_bench,
    claude_code,
    # These know their own by what no other has.
    own,
    claude_stream,
    codex,
    codex_exec,
    gemini,
    opencode,
    opencode_events,
    openhands,
    swe_agent,
    mini_swe_agent,
    atif,
    inspect_log,
    tau_bench,
    intercode,
    reflexion,
    trace2skill,
    spreadsheet_bench,
    langfuse,
    otel,
    # Many formats hold a list of messages; this one is nothing else.
    openai_chat,
)
"""In the order in which they are asked and read."""


def by_name(name: str) -> Format:
    """Give the format that people call `name`, or raise InvalidInput."""
    named = {candidate.NAME: candidate for candidate in FORMATS}
    if name not in named:
        raise InvalidInput(f"no format is named {name!r}", hint=f"one of {', '.join(named)}")
    return named[name]


def recognised(source: Source) -> list[Format]:
    """Give the formats that say a file is theirs, the likeliest first."""
    return [candidate for candidate in FORMATS if is_of(candidate, source)]


def is_of(candidate: Format, source: Source) -> bool:
    """Tell whether a format says that a file is its own."""
    try:
        return candidate.recognise(source)
    except Damaged:
        return False


def is_label_file(source: Source) -> bool:
    """Tell whether a file only says how runs ended, or how they were started: it lies beside them and is no run."""
    if source.is_lines:
        return swe_reports.is_report(source.opening)
    whole = source.document
    labels = (swe_reports.is_report, spreadsheet_bench.is_results)
    settings = (harbor.is_job, terminal_bench.is_metadata, openai_chat.is_metadata)
    return any(is_told(whole) for is_told in labels + settings)
