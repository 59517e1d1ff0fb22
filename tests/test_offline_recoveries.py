from dataclasses import replace

import pytest

from gitskill.analysts.draft import HERE
from gitskill.analysts.offline.study import study
from gitskill.outcome import Outcome
from gitskill.trace import Step
from offline_runs import FAILED, SOLVED, call, command, lessons, quoted_exactly, rules, run


def one(*steps: Step) -> str:
    (rule,) = rules(run(*steps))
    return rule


def test_a_changed_flag_is_quoted_with_the_step_that_no_longer_failed() -> None:
    (draft,) = lessons(run(command("tar -z a", "tar: invalid option -- 'z'"), command("tar -f a")))

    assert draft.rule == (
        "When `tar` is given `-z`, it fails because \"tar: invalid option -- 'z'\"; give it `-f` instead "
        "(it no longer failed)."
    )
    assert [(quote.step, quote.quote) for quote in draft.evidence] == [
        (2, "tar: invalid option -- 'z'"),
        (3, "tar -f a"),
    ]


def test_a_recovery_says_no_more_than_its_reward_proves() -> None:
    def rule(before: float | None, after: float | None) -> str:
        wrong = command("cp a b", "cp: -r not specified; omitting directory 'a'", reward=before)
        return "".join(rules(run(wrong, command("cp -r a b", reward=after))))

    assert "(this worked)" in rule(0.3, 1.0)
    assert "(this scored higher)" in rule(0.3, 0.5)
    assert "(it no longer failed)" in rule(0.3, 0.3)
    assert "(it no longer failed)" in rule(None, None)
    assert rule(0.6, 0.3) == ""


def test_a_program_that_is_not_there_is_left_out_or_replaced_and_that_is_about_this_environment() -> None:
    missing = "bash: line 1: {}: command not found"
    sudo = run(command("sudo rm a", missing.format("sudo"), 127), command("rm a"))
    other = run(command("wget -O a http://x.y/z", missing.format("wget"), 127), command("curl -o a http://x.y/z"))

    assert "run it without `sudo`" in rules(sudo)[0]
    assert "use `curl -o a PATH` instead" in rules(other)[0]
    assert {draft.scope for draft in lessons(sudo, other)} == {HERE}


def test_a_folder_is_made_first() -> None:
    wrong = command("tar -xzf a.tgz -C /out", "tar: /out: Cannot open: No such file or directory", 2)
    rule = one(wrong, command("mkdir -p /out && tar -xzf a.tgz -C /out"))

    assert rule.startswith("When `tar` writes to a folder that does not exist, it fails")
    assert "run `mkdir -p PATH` first" in rule


def test_what_lies_between_two_equal_commands_is_the_way_out() -> None:
    wrong = command("python a.py", "Traceback (most recent call last):\nModuleNotFoundError: No module named 'x'")
    assert "run `pip install x` first" in one(wrong, command("pip install x"), command("python a.py"))


def test_a_path_that_was_guessed_is_looked_up_first() -> None:
    wrong = command("sed -n 1p src/a.ts", "sed: src/a.ts: No such file or directory")
    rule = one(wrong, command("rg --files", "lib/a.ts", 0), command("sed -n 1p lib/a.ts"))

    assert "is given a path that was not looked up" in rule
    assert "look for it first, with `rg` for one" in rule


def test_commands_without_a_separator_are_separated() -> None:
    wrong = command("shopt -s dotglob ls a", "bash: line 1: shopt: ls: invalid shell option name")
    assert "put `;` between them" in one(wrong, command("shopt -s dotglob; ls a"))


def test_a_command_that_worked_before_it_was_made_worse_counts_too_and_says_so() -> None:
    rule = one(command("cp a b"), command("cp --parents a b", "cp: 'a' and 'b' are the same file"))
    assert "leave `--parents` out (that had not failed before)" in rule


@pytest.mark.parametrize(
    ("wrong", "answer", "later"),
    [
        ("find /a -x", "find: unknown predicate '-x'", "find /a -x 2>/dev/null"),
        ("find /a -x | wc", "find: unknown predicate '-x'", "find /a -x 2>&1 | grep -v unknown | wc"),
        ("find /a -x", "find: unknown predicate '-x'", "find /a -x || true"),
        ("rm a.txt", "rm: cannot remove 'a.txt': No such file or directory", "touch a.txt; rm a.txt"),
        ("mv data e", "mv: cannot stat 'data': No such file or directory", "mkdir -p data && mv data e"),
        ("run1 || true", "bash: line 1: run1: command not found", "true"),
        (
            "Great! Do you need any more help today?",
            "bash: line 1: Great!: command not found",
            "man you need help today?",
        ),
        ("type -a c++", "bash: line 1: type: c++: not found", "type -p c++"),
        ("find /a -x", "Command timed out", "find /a -y"),
        ("find /a -x", "find: unknown predicate '-x'", "ps aux"),
        ("cat /a/x.txt", "cat: /a/x.txt: No such file or directory", "cat /a/y.txt"),
    ],
    ids=["hidden", "filtered", "or true", "touched", "made", "nothing", "prose", "question", "time", "other", "name"],
)
def test_what_only_looks_like_a_way_out_teaches_nothing(wrong: str, answer: str, later: str) -> None:
    found = study([run(command(wrong, answer), command(later))])

    assert found.lessons == {}
    assert set(found.none) == {"r1"}


def test_a_test_that_was_meant_to_fail_teaches_nothing() -> None:
    shown = command("python show.py", "Traceback (most recent call last):\nAssertionError: 1 != 2")
    found = study([run(shown, command("sed -i s/1/2/ a.py"), command("python show.py"))])

    assert found.none == {"r1": "errors of tests, scripts or time alone, which name no mistake"}


def test_a_time_out_names_no_cause_whatever_was_done_before_it_passed() -> None:
    late = command("python run.py", "Command timed out")
    assert rules(run(late, command("pip install x"), command("python run.py"))) == []


def test_a_command_sent_again_unchanged_teaches_nothing() -> None:
    assert rules(run(command("tar -z a", "tar: invalid option -- 'z'"), command("ls"), command("tar -z a"))) == []


def test_names_of_one_run_do_not_get_into_the_rule() -> None:
    wrong = command("cp /home/ada/secret.txt /srv/9f8a7b6c5d", "cp: -r not specified; omitting directory '/home/ada/x'")
    rule = one(wrong, command("cp -r /home/ada/secret.txt /srv/9f8a7b6c5d"))

    assert not {"ada", "secret", "9f8a7b6c5d"} & set(rule.replace("/", " ").split())


def test_what_a_program_printed_is_no_markup_and_names_no_host() -> None:
    hostile = "cp: cannot read <b>x</b> *now* [see](http://evil.example/a) `y`"
    rule = one(command("cp a b", hostile), command("cp -r a b"))

    assert "evil.example" not in rule
    assert "\\<b>" in rule
    assert "\\*now\\*" in rule


def test_the_same_finding_has_the_same_words_in_every_run() -> None:
    def made(path: str, reward: float) -> Step:
        return command(f"cp {path} b", f"cp: -r not specified; omitting directory '{path}'", reward=reward)

    runs = [
        run(made("/x/one", 0.1), command("cp -r /x/one b", reward=1.0), name="a", task="a"),
        run(made("/y/two", 0.1), command("cp -r /y/two b", reward=0.1), name="b", task="b"),
    ]
    assert len({(draft.title, draft.rule) for draft in lessons(*runs)}) == 1
    assert len(lessons(*runs)) == 2


PAY = "Error: payment does not add up, total is {}, but paid {}"


@pytest.mark.parametrize(
    ("steps", "advice"),
    [
        (
            (call("pay", PAY.format(305, 255), parts=[{"a": 255}]), call("pay", parts=[{"a": 255}, {"a": 50}])),
            "make the numbers in `parts` add up to the total that it names",
        ),
        (
            (
                call("pay", "Error: payment method not found", payment_id="card_7334"),
                call("get_user", '{"card_90748": 1}', user_id="u1"),
                call("pay", payment_id="card_90748"),
            ),
            "pass a `payment_id` that `get_user` returned, not one that is made up",
        ),
        (
            (
                call("pay", "Error: certificate cannot be used", payment_id="certificate_123"),
                call("pay", payment_id="card_456"),
            ),
            "pass a `payment_id` like `card_N`, not like `certificate_N`",
        ),
        (
            (call("list_dir", "Error: Path must be absolute: .", path="."), call("list_dir", path="/a/b")),
            "pass `path` as an absolute path",
        ),
        (
            (
                call("Edit", "Error: File has not been read yet.", file_path="/a", old="x"),
                call("Read", "text", file_path="/a"),
                call("Edit", file_path="/a", old="x"),
            ),
            "call `Read` on it first",
        ),
        (
            (call("find_user_by_email", "Error: user not found", email="a@b.c"), call("find_user_by_name", name="A")),
            "use `find_user_by_name`",
        ),
        (
            (
                call("modify_order_items", order_id="#W1234567"),
                call("modify_order_address", "Error: order cannot be modified", order_id="#W1234567"),
            ),
            "call it before `modify_order_items`",
        ),
    ],
)
def test_a_refusal_is_explained_by_what_the_next_call_did_otherwise(steps: tuple[Step, ...], advice: str) -> None:
    studied = [run(*steps)]
    (rule,) = rules(*studied)

    assert advice in rule
    assert quoted_exactly(studied, study(studied))


def test_a_refusal_is_not_explained_by_a_change_that_it_does_not_speak_of() -> None:
    steps = (
        call("book", "Error: not enough seats", flight="HAT123", cabin="business", payment_id="gift_1234"),
        call("book", flight="HAT123", cabin="economy", payment_id="card_5678"),
    )
    assert rules(run(*steps)) == []


def test_another_reservation_is_another_goal() -> None:
    steps = (
        call("cancel_order", "Error: order is not pending", order_id="W12345"),
        call("cancel_order", order_id="W67890"),
    )
    assert rules(run(*steps)) == []


def test_every_run_has_lessons_or_a_reason_and_never_both() -> None:
    wrong = command("tar -z a", "tar: invalid option -- 'z'"), command("tar -f a")
    runs = [
        run(*wrong, name="lesson"),
        run(*wrong, name="broken", outcome=Outcome.broken("the server went away", "test")),
        run(*wrong, name="unknown", outcome=Outcome()),
        run(command("ls"), name="fine", outcome=SOLVED),
        run(command("ls"), name="mute", outcome=FAILED),
        run(command("ls"), name="unlabelled", outcome=Outcome()),
        run(command("tar -z a", "tar: invalid option -- 'z'"), name="stuck"),
    ]
    found = study(runs)

    assert set(found.lessons) == {"lesson", "unknown"}
    assert found.none == {
        "broken": "infra error",
        "fine": "successful, nothing recovered",
        "mute": "no quotable error",
        "unlabelled": "unlabelled, nothing recovered",
        "stuck": "an error, and nothing that can be said to have got past it",
    }
    assert set(found.suspects) == {"lesson", "mute", "stuck"}
    assert [each.trace for each in found.silent] == list(found.none)


def test_a_run_gives_three_lessons_at_most() -> None:
    steps = [
        step
        for name in ("aa", "bb", "cc", "dd", "ee")
        for step in (command(f"{name} -z x", f"{name}: invalid option -- 'z'"), command(f"{name} -f x"))
    ]
    assert len(lessons(run(*steps))) == 3


def test_a_study_of_the_same_runs_is_the_same() -> None:
    wrong = command("tar -z a", "tar: invalid option -- 'z'"), command("tar -f a")
    runs = [run(*wrong, name=f"r{at}", task=f"t{at % 3}") for at in range(6)]

    assert study(runs) == study([replace(each) for each in runs])
