"""What is seen only when runs are laid side by side: deviations, constructs, anomalies, suspects."""

import pytest

from gitskill.analysts.draft import HERE, Studied
from gitskill.analysts.offline.acts import run_of
from gitskill.analysts.offline.anomalies import LOWERED, SHARED, UNQUOTED
from gitskill.analysts.offline.changes import changers
from gitskill.analysts.offline.study import study
from gitskill.outcome import Outcome
from gitskill.trace import Origin, Step
from offline_runs import FAILED, SOLVED, call, command, lessons, quoted_exactly, rules, run

ASKED = Step(Origin.USER, "Please cancel my order. The weather is nice.")
POLICY = Step(Origin.SYSTEM, "Be kind. An order can be cancelled only if it is pending, unless it is a gift. Bye.")


def both(good: Step, bad: Step) -> tuple[Studied, Studied]:
    return run(POLICY, good, name="good", outcome=SOLVED), run(POLICY, ASKED, bad, name="bad")


READ = call("get_order", order_id="W1")
CANCELLED = call("cancel_order", order_id="W1")


def test_a_call_that_no_successful_run_made_is_pointed_out_with_what_the_instructions_say() -> None:
    runs = both(READ, CANCELLED)
    (draft,) = lessons(*runs)

    assert "called it on a `order_id` that no successful run of the same task touched" in draft.rule
    assert 'The instructions say: "An order can be cancelled only if it is pending, unless it is a gift' in draft.rule
    assert [(quote.trace, quote.step, quote.quote) for quote in draft.evidence] == [("bad", 4, "cancel_order")]
    assert study(runs).none == {"good": "successful, nothing recovered"}


def test_a_call_that_every_successful_run_made_is_missed_and_the_request_is_quoted() -> None:
    (draft,) = lessons(*both(CANCELLED, READ))

    assert draft.title == "Do not leave cancel_order out"
    assert "where every successful run of the same task made it. The instructions say:" in draft.rule
    assert draft.evidence[0].quote == "Please cancel my order."


def test_a_call_that_one_successful_run_did_without_is_not_missed() -> None:
    runs = [run(CANCELLED, name="a", outcome=SOLVED), run(READ, name="b", outcome=SOLVED), run(READ, name="c")]
    assert rules(*runs) == []


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ({"items": ["a", "b"]}, {"items": ["a"]}, "Check `items` before `update_order`: failed runs gave fewer items"),
        ({"count": 2}, {"count": 3}, "failed runs gave a higher number"),
        ({"color": "red"}, {"color": "blue"}, "failed runs gave other values"),
    ],
)
def test_an_argument_that_no_successful_run_gave_is_pointed_out(
    good: dict[str, object], bad: dict[str, object], told: str
) -> None:
    (rule,) = rules(*both(call("update_order", order_id="W1", **good), call("update_order", order_id="W1", **bad)))
    assert told in rule


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"note": "x"}, {"note": "x", "more": 1}),
        ({"items": [{"id": 1}, {"id": 2}]}, {"items": [{"id": 2, "size": 3}, {"id": 1, "size": 3}]}),
        ({"count": 1}, {"count": 1.0}),
        ({"note": "the customer would like to have it sent to another house, soon"}, {"note": "to be sent " * 9}),
    ],
    ids=["one side only", "records", "number", "free text"],
)
def test_what_says_the_same_is_no_difference(good: dict[str, object], bad: dict[str, object]) -> None:
    assert rules(*both(call("update_order", order_id="W1", **good), call("update_order", order_id="W1", **bad))) == []


def test_handing_over_is_not_asked_for_where_more_tasks_say_not_to() -> None:
    over = call("transfer_to_human", summary="x")
    alone = [each for task in "ab" for each in _pair(task, READ, over)]
    runs = [*alone, *_pair("c", over, READ)]

    assert {draft.title for draft in lessons(*runs)} == {"Check before transfer_to_human"}
    assert "failed runs gave it away where no successful run did" in rules(*runs)[0]


def _pair(task: str, good: Step, bad: Step) -> tuple[Studied, Studied]:
    return run(good, name=f"{task}-good", task=task, outcome=SOLVED), run(bad, name=f"{task}-bad", task=task)


def test_runs_of_different_tasks_and_runs_without_a_label_are_not_compared() -> None:
    assert rules(run(READ, name="a", task="a", outcome=SOLVED), run(CANCELLED, name="b", task="b")) == []
    assert rules(run(READ, name="a", outcome=SOLVED), run(CANCELLED, name="b", outcome=Outcome())) == []
    broken = Outcome.broken("the server went away", "test")
    assert rules(run(READ, name="a", outcome=SOLVED), run(CANCELLED, name="b", outcome=broken)) == []


def test_a_call_that_was_refused_changed_nothing() -> None:
    refused = call("cancel_order", "Error: order is not pending", order_id="W1")
    assert rules(*both(READ, refused)) == []


def test_what_changes_something_is_told_by_name_or_seen_in_what_reads_return() -> None:
    read = call("get_order", '{"state": 1}', order_id="W1"), call("get_order", '{"state": 2}', order_id="W1")
    studied = run(
        read[0],
        call("frobnicate", order_id="W1"),
        read[1],
        call("ponder", order_id="W1"),
        call("str_replace_editor", path="/a", command="view"),
        call("str_replace_editor", path="/a", command="str_replace"),
        call("createTicket"),
    )
    assert changers([run_of(studied)]) == {"frobnicate", "str_replace_editor str_replace", "createTicket"}


BAD = "awk '/a \"x\"/' f{}"
BROKE = "x/' f: -c: line 1: unexpected EOF while looking for matching `''"


def commands(tasks: int, erring: int) -> list[Studied]:
    """Tasks with a construct in their first command, of which some err, and as many plain ones that do not."""
    held = [
        run(command(BAD.format(at), BROKE if at < erring else ""), command(f"wc f{at}"), name=f"h{at}", task=f"h{at}")
        for at in range(tasks)
    ]
    return held + [run(command(f"sort f{at}"), name=f"p{at}", task=f"p{at}") for at in range(tasks)]


def construct_rules(runs: list[Studied]) -> set[str]:
    return {draft.rule for draft in lessons(*runs) if draft.title.startswith("Avoid a double quote inside")}


def test_a_construct_that_goes_before_an_error_in_most_tasks_is_a_lesson_of_each_run_that_shows_it() -> None:
    runs = commands(20, 16)
    found = study(runs)

    assert len(construct_rules(runs)) == 1
    assert all(f"h{at}" in found.lessons for at in range(16))
    assert quoted_exactly(runs, found)


def test_a_construct_that_errs_no_more_than_others_is_none_however_often_it_is_used() -> None:
    same = [
        run(
            command(BAD.format(at), BROKE),
            command(f"sort g{at}", f"sort: cannot read: g{at}"),
            task=f"t{at}",
            name=f"r{at}",
        )
        for at in range(20)
    ]
    assert construct_rules(same) == set()
    assert construct_rules(commands(4, 4)) == set()


def test_a_construct_that_does_not_stand_in_the_other_half_of_the_tasks_is_none() -> None:
    few = commands(5, 4)
    others = [
        run(command(f"sort f{at}", "sort: cannot read: f" if at < 6 else ""), name=f"o{at}", task=f"o{at}")
        for at in range(40)
    ]
    assert construct_rules(few + others) == set()
    assert len(construct_rules(commands(30, 24) + others)) == 1


def test_a_command_that_one_task_repeats_counts_once() -> None:
    repeated = [run(*[command(BAD.format(at), BROKE) for at in range(30)], name="r0", task="one")]
    assert construct_rules(repeated + commands(30, 0)[30:]) == set()


def lowered(count: int, second: str) -> list[Studied]:
    first = command("awk -f, {print}", "awk: cannot open , (No such file or directory)")
    return [run(first, command(second), name=f"r{at}", task=f"t{at}") for at in range(count)]


def test_a_first_command_without_its_capitals_is_an_anomaly_and_no_lesson() -> None:
    runs = lowered(40, "awk -F, {print}")
    found = study(runs)

    assert [each.tags for each in found.anomalies] == [{"made", LOWERED}]
    assert found.lessons == {}
    assert set(found.none.values()) == {"an error that the harness explains: see the anomalies"}
    assert quoted_exactly(runs, found)


def test_capitals_that_a_few_runs_put_right_are_their_own_and_a_lesson() -> None:
    assert len(lessons(*lowered(3, "awk -F, {print}"))) == 3


def test_another_mistake_of_a_harness_that_takes_capitals_is_still_a_lesson() -> None:
    wrong = command("cp a b", "cp: -r not specified; omitting directory 'a'")
    runs = [*lowered(40, "awk -F, {print}"), run(command("ls"), wrong, command("cp -r a b"), name="own", task="own")]
    assert set(study(runs).lessons) == {"own"}


def test_double_quotes_that_do_not_reach_the_shell_are_an_anomaly_and_what_spares_them_holds_here_only() -> None:
    wrong = command('find . -name ".*"', "find: paths must precede expression: `..'")
    echoes = [run(command('echo "two words"', "two\n", 0), name=f"e{at}", task=f"e{at}") for at in range(4)]
    found = study([*echoes, run(wrong, command("find . -name '.*'"))])

    assert [each.tags for each in found.anomalies] == [{"made", UNQUOTED}]
    (draft,) = found.lessons["r1"]
    assert draft.scope == HERE
    assert "put it in single quotes" in draft.rule


def test_an_echo_that_prints_all_its_words_is_no_anomaly() -> None:
    runs = [run(command('echo "two words"', "two words\n", 0), name=f"e{at}", task=f"e{at}") for at in range(9)]
    assert study(runs).anomalies == ()


def program(name: str, text: str, *, good: bool) -> Studied:
    return run(Step(Origin.AGENT, text), name=name, task=name, outcome=SOLVED if good else FAILED)


def test_a_name_that_one_run_defines_and_that_spoils_the_later_ones_is_an_anomaly_and_no_lesson() -> None:
    before = [program(f"a{at}", f"def f{at}(x):\n    return sum(x)", good=True) for at in range(6)]
    after = [program(f"b{at}", f"def g{at}(x):\n    return sum(x)", good=False) for at in range(6)]
    defining = program("d", "def sum(a, b):\n    return a + b", good=True)
    found = study([*before, defining, *after])

    assert [each.tags for each in found.anomalies] == [{"made", SHARED}]
    assert found.anomalies[0].evidence[0].quote == "def sum(a, b):"
    assert found.lessons == {}
    assert study([*before, *after]).anomalies == ()
    assert (
        study([*before, defining, *after[:3], *[program(f"c{at}", "sum(x)", good=True) for at in range(3)]]).anomalies
        == ()
    )


def test_the_same_doing_with_two_labels_is_an_anomaly() -> None:
    text = "def same(x):\n    return x + 1  # exactly as before"
    runs = [run(Step(Origin.AGENT, text), name="a", outcome=SOLVED), run(Step(Origin.AGENT, text), name="b")]
    (odd,) = study(runs).anomalies

    assert "different labels" in odd.what


def test_suspects_lie_apart_and_begin_before_the_middle_change() -> None:
    talk = [Step(Origin.AGENT, f"word {at}") for at in range(6)]
    steps = [*talk, call("cancel_order", order_id="W1"), *talk, call("return_order", order_id="W2"), *talk]
    (found,) = study([run(*steps)]).suspects.values()

    assert found[0] == 7
    assert len(found) == 3
    assert all(abs(one - other) > 2 for one in found for other in found if one != other)
    assert all(1 <= number <= len(steps) + 1 for number in found)


def test_a_suspect_beside_another_one_is_left_out() -> None:
    near = [call(f"{verb}_order", order_id="W1") for verb in ("cancel", "return", "update")]
    talk = [Step(Origin.AGENT, f"word {at}") for at in range(12)]
    (found,) = study([run(*near, *talk)]).suspects.values()

    assert found[0] == 2
    assert all(abs(one - other) > 2 for one in found for other in found if one != other)


def test_suspects_of_a_run_without_changes_begin_with_the_error_that_recurs() -> None:
    wrong = command("tar -z a", "tar: invalid option -- 'z'")
    (found,) = study([run(*[command("ls")] * 6, wrong, wrong, *[command("ls")] * 6)]).suspects.values()
    assert found[0] == 8


def test_a_run_without_steps_has_a_reason_and_no_more() -> None:
    found = study([run()])
    assert (found.lessons, found.none) == ({}, {"r1": "no quotable error"})
