"""The figures of docs/offline-lessons.md, as lower bounds."""

import time
from functools import cache

from gitskill.analysts.draft import Studied
from gitskill.analysts.offline.acts import run_of
from gitskill.analysts.offline.anomalies import LOWERED, SHARED, UNQUOTED
from gitskill.analysts.offline.errors import failure, noise_of
from gitskill.analysts.offline.study import Study, study
from gitskill.analysts.offline.wording import CALLS, CHANGES, COMMANDS
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source
from gitskill.formats.table import recognised
from gitskill.outcome import Status
from offline_runs import quoted_exactly
from reading_runs import RUNS

LOGS = {".json", ".jsonl", ".traj", ".eval"}


@cache
def everything() -> tuple[tuple[Studied, ...], Study]:
    runs = []
    for path in sorted(path for path in RUNS.rglob("*") if path.suffix in LOGS and path.is_file()):
        source = Source(path)
        for format_ in recognised(source)[:1]:
            found = [item for item in format_.read(source) if isinstance(item, Reading)]
            name = path.relative_to(RUNS).parts[0]
            runs += [Studied(f"{name}/{path.name}/{at}", item.trace, item.outcome) for at, item in enumerate(found)]
    return tuple(runs), study(runs)


def of(name: str) -> list[Studied]:
    return [one for one in everything()[0] if one.id.startswith(name)]


def errs(one: Studied) -> bool:
    run = run_of(one)
    noise = noise_of(run.acts)
    return any(failure(act, noise) for act in run.acts)


def test_every_run_is_accounted_for_and_every_quote_stands_in_its_step() -> None:
    runs, found = everything()

    assert found.lessons.keys() | found.none.keys() == {one.id for one in runs}
    assert not found.lessons.keys() & found.none.keys()
    assert quoted_exactly(runs, found)
    assert all(quote.trace == trace for trace, drafts in found.lessons.items() for d in drafts for quote in d.evidence)


def test_failed_runs_with_an_error_mostly_have_a_lesson_that_quotes_it_and_a_step_that_did_not_fail() -> None:
    found = everything()[1]
    failed = [one for name in ("intercode-bash", "mini-swe-agent", "tau-bench") for one in of(name)]
    erring = [one for one in failed if one.outcome.status is Status.FAILURE and errs(one)]
    pairs = [
        [each.evidence for each in found.lessons.get(one.id, ()) if each.section in {COMMANDS, CALLS}] for one in erring
    ]
    later = [each for each in pairs if any(first.step < second.step for first, second in each)]
    either = [each for each in pairs if any(first.step != second.step for first, second in each)]

    assert 80 <= len(erring) <= 90
    assert len(later) >= 0.54 * len(erring)
    assert len(either) >= 0.65 * len(erring)


def test_failed_runs_of_tasks_with_both_outcomes_have_a_deviation() -> None:
    found = everything()[1]
    runs = of("tau-bench")
    solved = {one.trace.task for one in runs if one.outcome.status is Status.SUCCESS}
    mixed = [one for one in runs if one.outcome.status is Status.FAILURE and one.trace.task in solved]
    having = [one for one in mixed if any(draft.section == CHANGES for draft in found.lessons.get(one.id, ()))]

    assert len(having) >= 0.9 * len(mixed)


def test_the_known_defects_are_anomalies_and_not_lessons() -> None:
    found = everything()[1]

    known = [{"intercode", LOWERED}, {"intercode", UNQUOTED}, {"reflexion", SHARED}]
    assert all(tags in [each.tags for each in found.anomalies] for tags in known)
    assert not any(trace.startswith("reflexion") for trace in found.lessons)
    assert not any("awk -f" in draft.title for drafts in found.lessons.values() for draft in drafts)


def test_a_message_that_the_harness_refused_is_a_lesson_in_both_runs_that_sent_one() -> None:
    found = everything()[1]
    asked = [drafts for drafts in found.lessons.values() if any("form of a message" in each.title for each in drafts)]
    assert len(asked) == 2


def test_no_name_or_id_of_a_customer_stands_in_a_rule() -> None:
    found = everything()[1]
    words = {
        word
        for one in of("tau-bench")
        for act in run_of(one).acts
        for key, word in (act.arguments.items() if isinstance(act.arguments, dict) else ())
        if key.endswith("_id") and isinstance(word, str)
    }
    said = " ".join(draft.title + draft.rule for drafts in found.lessons.values() for draft in drafts)
    assert not [word for word in words if word in said]


def test_a_thousand_runs_take_a_few_seconds() -> None:
    runs = list(everything()[0])
    start = time.perf_counter()
    study(runs)

    assert len(runs) > 1000
    assert time.perf_counter() - start < 10
