"""The straight line of the analyst that needs no model: runs in, drafts of lessons, anomalies and suspects out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gitskill.analysts.draft import HERE, Anomaly, Draft, NoLesson, Studied
from gitskill.analysts.offline import wording
from gitskill.analysts.offline.acts import Run, run_of
from gitskill.analysts.offline.anomalies import anomalies, lowered_formats, unquoted_formats
from gitskill.analysts.offline.calls import Passed, refusals
from gitskill.analysts.offline.changes import changers
from gitskill.analysts.offline.constructs import ABOUT_DOUBLE_QUOTES, Construct, Row, constructs, rows_of
from gitskill.analysts.offline.deviations import Deviation, deviations, request_about, rule_about, sets_a_condition
from gitskill.analysts.offline.errors import INTENDED, Class, Failure, failure, noise_of
from gitskill.analysts.offline.masks import clip, code
from gitskill.analysts.offline.messages import refused_messages
from gitskill.analysts.offline.reasons import Way
from gitskill.analysts.offline.recoveries import Recovery, recoveries
from gitskill.analysts.offline.suspects import suspects
from gitskill.lesson import Evidence
from gitskill.outcome import Status

MOST = 3
"""Lessons of one run: the best of them."""


@dataclass(frozen=True, slots=True)
class Study:
    """What the runs taught. Every run has lessons or a reason for having none, never both."""

    lessons: Mapping[str, tuple[Draft, ...]]
    none: Mapping[str, str]
    anomalies: tuple[Anomaly, ...]
    suspects: Mapping[str, tuple[int, ...]]

    @property
    def silent(self) -> tuple[NoLesson, ...]:
        """The runs without a lesson."""
        return tuple(NoLesson(trace, reason) for trace, reason in self.none.items())


@dataclass(frozen=True, slots=True)
class _Finding:
    """A draft of one run, with what ranks it."""

    run: Run
    draft: Draft
    worth: float


def study(runs: Sequence[Studied]) -> Study:
    """Study runs together: what one shows may be explained by what all show."""
    whole = [run_of(each) for each in runs]
    sound = [run for run in whole if run.studied.outcome.status is not Status.INFRA_ERROR]
    odd = tuple(anomalies(sound))
    lowered, unquoted = lowered_formats(odd), unquoted_formats(odd)
    findings = [
        *_recovered(sound, lowered, unquoted),
        *_refused(sound),
        *_misformed(sound),
        *_deviating(sound),
        *_constructed(sound, lowered, unquoted),
    ]
    lessons = _best(_weighed(findings))
    changing = changers(sound)
    failed = [run for run in sound if run.studied.outcome.status is Status.FAILURE]
    return Study(
        lessons={run.id: lessons[run.id] for run in whole if run.id in lessons},
        none={run.id: _reason(run, lowered) for run in whole if run.id not in lessons},
        anomalies=odd,
        suspects={run.id: suspects(run, changing) for run in failed},
    )


def _recovered(runs: Iterable[Run], lowered: frozenset[str], unquoted: frozenset[str]) -> Iterator[_Finding]:
    found = [each for run in runs for each in recoveries(run, lowered=run.studied.trace.format in lowered)]
    named = [(each, wording.recovery_title(each, unquoted=each.run.studied.trace.format in unquoted)) for each in found]
    best: dict[tuple[str, str], int] = {}
    for each, title in named:
        key = title, each.failure.signature
        best[key] = max(best.get(key, 0), 0 if each.is_earlier else each.grade)
    for each, title in named:
        proved = best[title, each.failure.signature]
        cut = each.run.studied.trace.format in unquoted
        if cut and each.blurred:
            continue
        draft = Draft(
            title,
            _recovery_cause(each),
            wording.recovery_rule(each, proved, unquoted=cut),
            (
                Evidence(each.run.id, *wording.place_of(each.failed, each.failure)),
                Evidence(each.run.id, each.passed.step, wording.around(each.passed.program, each.change.now)),
            ),
            wording.COMMANDS,
            HERE if (cut and each.about_quotes) or _is_missing_here(each) else "",
        )
        yield _Finding(each.run, draft, float(proved))


def _is_missing_here(found: Recovery) -> bool:
    """Tell whether what was missing is a part of the environment, not of the command."""
    if found.way is Way.SPOKEN:
        return False
    return found.failure.kind is Class.COMMAND or "No module named" in found.failure.quote


def _recovery_cause(found: Recovery) -> str:
    if found.way is Way.SPOKEN:
        return f"Step {found.failed.step} was words; step {found.passed.step} was a command again. {_ending(found.run)}"
    order = "had not failed before" if found.is_earlier else "no longer failed"
    told = f"Step {found.failed.step} failed; step {found.passed.step}, with the same goal, {order}"
    instead = f": there stood {code(found.change.new)}" if found.change.new else ""
    return f"{told}{instead}. {_ending(found.run)}"


def _ending(run: Run) -> str:
    match run.studied.outcome.status:
        case Status.SUCCESS:
            return "The run ended in success."
        case Status.FAILURE:
            return "The run failed all the same."
        case _:
            return "How the run ended is not known."


def _refused(runs: Iterable[Run]) -> Iterator[_Finding]:
    for each in (each for run in runs for each in refusals(run)):
        draft = Draft(
            wording.refusal_title(each),
            _refusal_cause(each),
            wording.refusal_rule(each),
            (
                Evidence(each.run.id, *wording.place_of(each.failed, each.failure)),
                Evidence(each.run.id, each.passed.step, each.quote),
            ),
            wording.CALLS,
        )
        yield _Finding(each.run, draft, 2.5)


def _refusal_cause(found: Passed) -> str:
    told = f"Step {found.failed.step} was refused, step {found.passed.step} was not."
    return f"{told} {_ending(found.run)}"


def _misformed(runs: Iterable[Run]) -> Iterator[_Finding]:
    for each in (each for run in runs for each in refused_messages(run)):
        later = each.passed
        draft = Draft(
            wording.message_title(each),
            f"Step {each.step} refused the message before it; step {later.step} was not refused. {_ending(each.run)}",
            wording.message_rule(each),
            (
                Evidence(each.run.id, each.step, each.quote),
                Evidence(each.run.id, later.step, wording.around(later.program, ()) or later.tool),
            ),
            wording.CALLS,
            HERE,
        )
        yield _Finding(each.run, draft, 2.5)


def _deviating(runs: Sequence[Run]) -> Iterator[_Finding]:
    found = deviations(runs)
    said: dict[str, str] = {}
    for each in found:
        if each.how is not each.how.ALTERED and each.call not in said:
            said[each.call] = rule_about(each.run, each.call)
    for each in found:
        instruction = said.get(each.call, "") if each.how is not each.how.ALTERED else ""
        if each.how is each.how.MISSING and not sets_a_condition(instruction):
            instruction = ""
        rule = wording.deviation_rule(each, instruction)
        yield _Finding(
            each.run,
            Draft(
                wording.deviation_title(each),
                _deviation_cause(each),
                rule,
                (_deviation_evidence(each),),
                wording.CHANGES,
            ),
            1.5,
        )


def _deviation_cause(found: Deviation) -> str:
    if found.act is None:
        return f"This failed run never made the call {found.call}; every successful run of task {found.run.task} did."
    return f"Step {found.act.step} of this failed run is like none of the successful runs of task {found.run.task}."


def _deviation_evidence(found: Deviation) -> Evidence:
    """Quote the call; where it is missing, what the user said of it, or the run's last word."""
    if found.act is not None:
        return Evidence(found.run.id, found.act.step, found.act.tool)
    steps = found.run.studied.trace.steps
    step, quote = request_about(found.run, found.call)
    if not step:
        step, quote = next(
            ((at, each.text) for at, each in reversed(list(enumerate(steps, 1))) if each.text.strip()), (1, "")
        )
    return Evidence(found.run.id, step, clip(quote.strip().split("\n")[0]))


def _constructed(runs: Sequence[Run], lowered: frozenset[str], unquoted: frozenset[str]) -> Iterator[_Finding]:
    by_format: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_format[run.studied.trace.format].append(run)
    for name, group in sorted(by_format.items()):
        for each in constructs(rows_of(group, lowered=name in lowered)):
            seen: dict[str, Row] = {}
            for row in each.failures:
                seen.setdefault(row.run.id, row)
            here = HERE if name in unquoted and each.name in ABOUT_DOUBLE_QUOTES else ""
            for row in seen.values():
                if row.failure:
                    yield _Finding(row.run, _construct_draft(each, row, row.failure, here), 2.0)


def _construct_draft(found: Construct, row: Row, wrong: Failure, scope: str) -> Draft:
    return Draft(
        wording.construct_title(found),
        f"Commands with it failed in {found.erring} of {found.of} tasks, commands without it in "
        f"{found.erring_without} of {found.of_without}.",
        wording.construct_rule(found, wrong),
        (
            Evidence(row.run.id, row.act.step, wording.around(row.act.program, ("'",))),
            Evidence(row.run.id, *wording.place_of(row.act, wrong)),
        ),
        wording.COMMANDS,
        scope,
    )


def _weighed(findings: Sequence[_Finding]) -> list[_Finding]:
    """Put what several tasks show before what one does."""
    tasks: dict[str, set[str]] = defaultdict(set)
    for each in findings:
        tasks[each.draft.rule].add(each.run.task)
    return [replace(each, worth=each.worth + min(len(tasks[each.draft.rule]), 5) / 2) for each in findings]


def _best(findings: Sequence[_Finding]) -> dict[str, tuple[Draft, ...]]:
    """Keep the best few of each run; equals stay in the order in which they were found."""
    by_run: dict[str, dict[str, _Finding]] = defaultdict(dict)
    for each in findings:
        by_run[each.run.id].setdefault(each.draft.rule, each)
    ranked = {run: sorted(each.values(), key=lambda one: -one.worth) for run, each in by_run.items()}
    return {run: tuple(each.draft for each in drafts[:MOST]) for run, drafts in ranked.items()}


def _reason(run: Run, lowered: frozenset[str]) -> str:
    """Say why a run taught nothing."""
    status = run.studied.outcome.status
    if status is Status.INFRA_ERROR:
        return "infra error"
    noise = noise_of(run.acts)
    wrong = [found for act in run.acts if (found := failure(act, noise))]
    if run.studied.trace.format in lowered and any(not found.is_earlier for found in recoveries(run)):
        return "an error that the harness explains: see the anomalies"
    if any(found.kind not in INTENDED for found in wrong):
        return "an error, and nothing that can be said to have got past it"
    if wrong:
        return "errors of tests, scripts or time alone, which name no mistake"
    if status is Status.SUCCESS:
        return "successful, nothing recovered"
    return "unlabelled, nothing recovered" if status is Status.UNLABELLED else "no quotable error"
