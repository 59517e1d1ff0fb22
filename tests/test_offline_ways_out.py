"""Ways out of an error that are not another flag: words, programs without an end, lone arguments, refused messages."""

import pytest

from gitskill.analysts.draft import HERE
from gitskill.analysts.offline.study import study
from gitskill.trace import Call, Observation, Origin, Step
from offline_runs import call, command, lessons, quoted_exactly, rules, run

THANKS = "Great! If you need anything else, feel free to ask."
NO_COMMAND = "bash: line 1: Great!: command not found"


def test_words_that_were_run_as_a_command_are_a_mistake_once_the_run_is_back_at_its_command() -> None:
    steps = (
        command("ls -d a", "a\n", 0, reward=0.9),
        command(THANKS, NO_COMMAND, 127, reward=0.6),
        command("echo bye", "bye\n", 0, reward=0.6),
        command("ls -d a", "a\n", 0, reward=0.9),
    )
    (draft,) = lessons(run(*steps))

    assert draft.rule == (
        'When a sentence is sent where a command is run, it fails because "command not found"; send nothing but '
        "commands, and where nothing is left to do, the last one that worked (this scored higher)."
    )
    assert [(quote.step, quote.quote) for quote in draft.evidence] == [(3, NO_COMMAND), (5, "ls -d a")]
    assert draft.scope != HERE


@pytest.mark.parametrize(
    "steps",
    [
        (command("ls -d a"), command(THANKS, NO_COMMAND, 127), command("ls -d b")),
        (command("echo bye"), command(THANKS, NO_COMMAND, 127), command("echo bye")),
        (command("ls a", reward=0.9), command(THANKS, NO_COMMAND, 127, reward=0.9), command("ls a", reward=0.1)),
        (command("ls a", "ls: cannot access a", 2), command(THANKS, NO_COMMAND, 127), command("ls a")),
        (command("ls -d a"), command(THANKS, "bash: Great!: Permission denied", 126), command("ls -d a")),
    ],
    ids=["another command", "only words again", "lost reward", "had not worked", "no missing command"],
)
def test_words_that_the_run_did_not_come_back_from_teach_nothing(steps: tuple[Step, ...]) -> None:
    assert not any("sentence" in rule for rule in rules(run(*steps)))


@pytest.mark.parametrize(
    ("wrong", "later", "told"),
    [
        (
            "find a -exec rm -i {} + | yes | tr -d x",
            "find a -exec rm -f {} +",
            "When `yes` is part of a command in which nothing ends `yes`, it fails because",
        ),
        ("top", "top -b -n 1", "When `top` is run without `-b -n 1`, it fails because"),
        ("tail -f log | grep x", "tail log | grep x", "When `tail` is given `-f`, it fails because"),
        ("vim a.txt", "sed -i s/x/y/ a.txt", ""),
        ("find / -name x", "find /a -name x", ""),
        ("tail -f log | grep x", "tail -f log | grep y", ""),
        ("sleep 99; grep x a", "grep x a", ""),
    ],
)
def test_a_time_out_is_laid_to_a_program_that_has_no_end_and_to_nothing_else(wrong: str, later: str, told: str) -> None:
    found = rules(run(command(wrong, "Command timed out"), command(later)))

    assert found == [] if not told else told in found[0]


def test_an_error_in_unheard_of_words_counts_where_the_command_failed_and_said_nothing_else() -> None:
    wrong = "tr: range-endpoints of ' -\\012' are in reverse collating sequence order"
    (rule,) = rules(run(command("cat a | tr -d ' -\\n'", wrong), command("cat a | tr -d ' -'")))
    assert rule == (
        r"When `tr` is given `-d ' -\n'`, it fails because "
        "\"tr: range-endpoints of '\u2026' are in reverse collating sequence order\"; "
        "give it `-d ' -'` instead (it no longer failed)."
    )

    assert rules(run(command("cat a | tr -d ' -\\n'", wrong, 0), command("cat a | tr -d ' -'"))) == []
    assert rules(run(command("cat a | tr -d ' -\\n'", f"beta gamma\n{wrong}"), command("cat a | tr -d ' -'"))) == []
    assert rules(run(command("cat a | tac -d ' -\\n'", wrong), command("cat a | tac -d ' -'"))) == []


DEAR = call("book", "Error: balance is not enough", order_id="W1", cabin="business", bags=1)
CHEAP = call("book", order_id="W1", cabin="economy", bags=1)


def test_the_only_argument_that_changed_explains_a_refusal_that_does_not_speak_of_it() -> None:
    (rule,) = rules(run(DEAR, call("get_order", order_id="W1"), CHEAP))
    assert "see whether `cabin` `economy` will do instead of `business`, where nothing else had to change" in rule


def test_the_only_argument_explains_nothing_where_something_else_was_changed_or_in_between() -> None:
    cheap_without_bags = call("book", order_id="W1", cabin="economy", bags=0)

    assert rules(run(DEAR, cheap_without_bags)) == []
    assert rules(run(DEAR, call("update_balance", amount=5, order_id="W1"), CHEAP)) == []


REASON = "Please always provide EXACTLY ONE action in triple backticks, found 2 actions."
ASKED = f"{REASON}\n\nLike this: \u2026"


def said(text: str, origin: Origin = Origin.AGENT) -> Step:
    return Step(origin, text)


def test_a_message_that_was_refused_for_its_form_teaches_the_form() -> None:
    studied = [run(said("First this, then that."), said(ASKED, Origin.SYSTEM), command("ls src"))]
    (draft,) = lessons(*studied)

    assert draft.rule == (
        "When a message does not have the form that is asked for, nothing in it is run: "
        '"Please always provide EXACTLY ONE action in triple backticks, found N actions."; '
        "keep to that form, and send again what was in it (the next message was not refused)."
    )
    assert [(quote.step, quote.quote) for quote in draft.evidence] == [(3, REASON), (4, "ls src")]
    assert draft.scope == HERE
    assert quoted_exactly(studied, study(studied))


@pytest.mark.parametrize(
    "steps",
    [
        (command("ls"), said(ASKED, Origin.SYSTEM), command("ls src")),
        (said("This."), said(ASKED, Origin.SYSTEM), said("This."), command("ls src")),
        (said("This."), said(ASKED, Origin.USER), command("ls src")),
        (said("This."), said("You are a critic of code.", Origin.SYSTEM), command("ls src")),
        (said("This."), said("You must be polite.", Origin.SYSTEM), command("ls src")),
    ],
    ids=["it had a call", "refused again", "a person asks", "a role", "no form"],
)
def test_a_message_that_was_answered_otherwise_teaches_no_form(steps: tuple[Step, ...]) -> None:
    assert rules(run(*steps)) == []


def test_a_message_with_nothing_but_a_thought_can_be_refused_too() -> None:
    seen = Call("view", {"path": "/a"}, Observation("text"))
    (draft,) = lessons(
        run(
            Step(Origin.AGENT, thought="I look."),
            said(ASKED, Origin.SYSTEM),
            Step(Origin.AGENT, calls=(seen,)),
        )
    )
    assert draft.evidence[1].quote == "view"
