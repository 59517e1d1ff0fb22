"""What the logs of OpenHands share: rows with one run each, and what becomes of a history that was read.

Upstream: All-Hands-AI/OpenHands, `evaluation/utils/shared.py` (`EvalOutput`) and `openhands/resolver/
resolver_output.py`; OpenHands/benchmarks, `benchmarks/utils/models.py`, for the SDK's rows. The label is in
`test_result.report.resolved`, `test_result.resolved`, `report.resolved`, or in the resolver's `success`, which is what
a model thought of the patch. The trap: `error` holds what broke outside, but also that the agent ran in circles.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from gitskill.formats.loose import count, flag, mapping, number, string, written
from gitskill.formats.reading import Reading
from gitskill.outcome import UNLABELLED, Outcome, Status
from gitskill.trace import UNKNOWN, Artifact, Origin, Step, Trace, Usage

_OWN = re.compile(
    r"stuck|max(imum)?[ _]?(iteration|budget)|context.?window|Malformed ?Action|No ?Action ?Error",
    re.IGNORECASE,
)
"""What an error says that is the agent's own: it ran in circles, or used up what it was given."""


@dataclass(frozen=True, slots=True)
class History:
    """What the events of one run tell."""

    steps: tuple[Step, ...]
    agent: str = "openhands"
    model: str = ""
    session: str = ""
    result: str = ""
    usage: Usage = UNKNOWN
    error: str = ""
    """What ended the run, whoever is to blame."""
    notes: tuple[str, ...] = ()

    @property
    def request(self) -> str:
        """What the user said first."""
        return next((step.text for step in self.steps if step.origin is Origin.USER and not step.agent), "")


def is_row(value: Any) -> bool:
    """Tell a row of a run from a grader's row: that has neither a history nor an error."""
    row = mapping(value)
    known = {"instance_id", "test_result"} <= row.keys() or {"issue", "git_patch"} <= row.keys()
    return known and (isinstance(row.get("history"), list) or ("history" in row and bool(row.get("error"))))


def is_own(error: str) -> bool:
    """Tell whether the agent itself is to blame for the error that ended its run."""
    return bool(_OWN.search(error))


def metrics_usage(metrics: Any) -> Usage:
    """Read what a run used, as OpenHands sums it up; what came from a cache is among the tokens sent."""
    told = mapping(metrics)
    tokens = mapping(told.get("accumulated_token_usage"))
    return Usage(
        input=count(tokens.get("prompt_tokens")),
        output=count(tokens.get("completion_tokens")),
        cached=count(tokens.get("cache_read_tokens")),
        cost=number(told.get("accumulated_cost")),
    )


def reading_of(name: str, history: History) -> Reading:
    """Give a run that has nothing but its history: nobody has graded it."""
    trace = _trace(name, history)
    return Reading(trace, _broken(trace) or UNLABELLED)


def row_reading(name: str, row: dict[str, Any], history: History, place: str) -> Reading:
    """Give the run of a row."""
    told = row.get("error")
    history = replace(history, error=(written(told) if told else "") or history.error)
    usage = metrics_usage(row.get("metrics"))
    metadata = mapping(row.get("metadata"))
    config = mapping(metadata.get("llm_config")) or mapping(metadata.get("llm"))
    trace = replace(
        _trace(name, history),
        task=_task(row),
        request=_request(row) or history.request,
        model=string(config.get("model")) or history.model,
        artifacts=_patches(row),
        usage=usage if usage != UNKNOWN else history.usage,
    )
    return Reading(trace, _outcome(row, trace), place)


def _trace(name: str, history: History) -> Trace:
    own = is_own(history.error)
    return Trace(
        format=name,
        task="",
        request=history.request,
        steps=history.steps,
        agent=history.agent,
        model=history.model,
        session=history.session,
        result=history.result,
        usage=history.usage,
        error="" if own else history.error,
        notes=(*history.notes, *([f"the run ended with: {history.error}"] if own else [])),
    )


def _task(row: dict[str, Any]) -> str:
    issue = mapping(row.get("issue"))
    owner, repository, which = (string(issue.get(key)) for key in ("owner", "repo", "number"))
    return string(row.get("instance_id")) or (f"{owner}/{repository}#{which}" if owner and repository else "")


def _request(row: dict[str, Any]) -> str:
    """Give the problem as its author wrote it; the instruction wraps it into the harness's own words."""
    issue = mapping(row.get("issue"))
    problem = string(mapping(row.get("instance")).get("problem_statement"))
    written_issue = "\n\n".join(filter(None, (string(issue.get("title")), string(issue.get("body")))))
    return problem or written_issue or string(row.get("instruction"))


def _patches(row: dict[str, Any]) -> tuple[Artifact, ...]:
    patch = string(mapping(row.get("test_result")).get("git_patch")) or string(row.get("git_patch"))
    return (Artifact("git_patch", patch),) if patch.strip() else ()


def _outcome(row: dict[str, Any], trace: Trace) -> Outcome:
    """Weigh the label against what broke: only a success shows that nothing did."""
    label = _label(row)
    if label.status is Status.SUCCESS:
        return label
    report = mapping(mapping(row.get("test_result")).get("report"))
    if report.get("error_eval") is True:
        return Outcome.broken("the grader broke", "test_result.report.error_eval")
    return _broken(trace) or label


def _broken(trace: Trace) -> Outcome | None:
    if trace.error:
        return Outcome.broken(trace.error, "error")
    return None if trace.actions else Outcome.broken("the agent took no step", "history")


def _label(row: dict[str, Any]) -> Outcome:
    result = mapping(row.get("test_result"))
    places = {
        "test_result.report.resolved": mapping(result.get("report")).get("resolved"),
        "test_result.resolved": result.get("resolved"),
        "report.resolved": mapping(row.get("report")).get("resolved"),
        "success": row.get("success"),
    }
    for place, told in places.items():
        if (good := flag(told)) is not None:
            by_model = "a model's opinion of the patch" if place == "success" else ""
            return replace(Outcome.judged(good, place), note=by_model)
    return UNLABELLED
