import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.analysts.offline.acts import Kind, acts, run_of
from gitskill.analysts.offline.errors import Class, Failure, failure, noise_of
from gitskill.analysts.offline.masks import clip, code, general
from gitskill.trace import Call, Observation, Origin, Step
from offline_runs import call, command, run


def wrong(step: Step) -> Failure | None:
    return failure(run_of(run(step)).acts[0])


@pytest.mark.parametrize(
    ("line", "answer", "kind", "signature"),
    [
        ("xxd a", "bash: line 1: xxd: command not found", Class.COMMAND, "xxd: command not found"),
        ("xxd a", "zsh: command not found: xxd", Class.COMMAND, "xxd: command not found"),
        ("ls x(1)", "zsh:1: no matches found: x(1)", Class.MISSING, "shell: no matches found: x(n)"),
        ("cat /a/b", "cat: /a/b: No such file or directory", Class.MISSING, "cat: path: no such file or directory"),
        ("wc -u", "wc: invalid option -- 'u'", Class.USAGE, "wc: invalid option -- 'u'"),
        (
            "awk 'x",
            "x: -c: line 1: unexpected EOF while looking for matching `''",
            Class.SYNTAX,
            "shell: unexpected eof while looking for matching '\u2026'",
        ),
        ("git pull", "fatal: not a git repository", Class.PROGRAM, "git: not a git repository"),
        (
            "python a.py",
            "Traceback (most recent call last):\n  File\nModuleNotFoundError: No module named 'numpy'",
            Class.MISSING,
            "modulenotfounderror: no module named '\u2026'",
        ),
        ("pytest", "FAILED tests/test_a.py::test_b", Class.TEST, "test_a.py: a test fails"),
        ("sleep 99", "Command timed out", Class.TIMEOUT, "time-out: timed out"),
        ("python a.py", "It timed out.\nResourceWarning: unclosed socket", Class.TIMEOUT, "time-out: timed out"),
        ("tr -d b-a", "tr: range is in reverse order", Class.PROGRAM, "tr: range is in reverse order"),
    ],
)
def test_an_error_of_a_command_is_named_and_quoted(line: str, answer: str, kind: Class, signature: str) -> None:
    found = wrong(command(line, answer, 2))

    assert found is not None
    assert (found.kind, found.signature) == (kind, signature)
    assert found.quote in answer


@pytest.mark.parametrize(
    ("line", "answer", "code"),
    [
        ("grep x a", "", 1),
        ("cat log", "app: cannot open the file", 0),
        ("cat log", "Error: cannot open the file", None),
        ("grep -n error a", "a.c:12: error: expected ';'", None),
        ("tar cf /a /b", "tar: Removing leading `/' from member names", None),
        ("ls", "/opt/start.sh: line 3: cannot create temp file", 0),
        ("sort a | head", "sort: cannot read: a", 0),
        ("tar cf /a /b", "tar: Removing leading `/' from member names", 2),
        ("tr a b; tac c", "tr: in its own words\ntac: in other words", 1),
        ("tr a b", "tr: in its own words", 0),
    ],
)
def test_what_only_looks_like_an_error_is_none(line: str, answer: str, code: int | None) -> None:
    seen = Observation(answer, exit_code=code)
    assert wrong(Step(Origin.AGENT, calls=(Call("bash", {"command": line}, seen),))) is None


def test_a_line_that_the_shell_always_prints_is_no_error() -> None:
    start = "bash: line 60: cannot create temp file"
    studied = run_of(run(command("ls", start, 0), command("rg x", start, 1)))

    assert failure(studied.acts[1]) is not None
    assert failure(studied.acts[1], noise_of(studied.acts)) is None


def test_a_refusal_is_quoted_without_the_tags_around_it() -> None:
    found = wrong(call("Edit", "Error: <e>String to replace not found in file.</e>", file_path="a"))
    assert found is None or found.quote in "Error: <e>String to replace not found in file.</e>"

    plain = wrong(call("Edit", "Error: String to replace not found in file.", file_path="a"))
    assert plain is not None
    assert plain.signature == "edit: string to replace not found in file."


def test_what_a_person_turned_down_is_no_error() -> None:
    assert wrong(call("Edit", "Error: The user doesn't want to proceed with this tool use.", file_path="a")) is None


def test_an_answer_of_a_reading_tool_is_searched_only_where_it_is_marked() -> None:
    step = Step(Origin.AGENT, calls=(Call("Read", {"file_path": "a"}, Observation("error: x\n" * 900)),))
    assert wrong(step) is None


@pytest.mark.parametrize(
    ("arguments", "kind", "program"),
    [
        ({"command": "ls -l"}, Kind.SHELL, "ls -l"),
        ({"command": ["zsh", "-lc", "ls -l"], "workdir": "."}, Kind.SHELL, "ls -l"),
        ({"command": ["ls", "-l"]}, Kind.SHELL, "ls -l"),
        ({"cmd": "ls"}, Kind.SHELL, "ls"),
        ({"command": "view", "path": "/a"}, Kind.CALL, ""),
        ({"code": "print(1)"}, Kind.CODE, "print(1)"),
        ({"query": "x"}, Kind.CALL, ""),
    ],
)
def test_commands_are_found_in_any_tools_arguments(arguments: dict[str, object], kind: Kind, program: str) -> None:
    step = Step(Origin.AGENT, calls=(Call("tool", arguments, Observation("")),))
    (found,) = acts(run(step).trace)

    assert (found.kind, found.program, found.step) == (kind, program, 2)


def test_a_program_in_a_message_is_answered_by_the_next_message() -> None:
    told = Step(Origin.TOOL, "Traceback (most recent call last):\nNameError: x")
    (found,) = acts(run(Step(Origin.AGENT, "print(x)"), told).trace)

    assert (found.kind, found.step, found.answered) == (Kind.CODE, 2, 3)


def test_what_is_particular_is_masked() -> None:
    line = "cannot pay 12.50 with credit_card_123456 for #W4967593 of a@b.org at /home/ada/x.py"
    assert general(line) == "cannot pay N with credit_card_N for ID of MAIL at PATH"


@given(st.text(), st.integers(1, 130))
def test_a_clipped_text_is_a_piece_of_it(text: str, limit: int) -> None:
    assert clip(text, limit) in text
    assert len(clip(text, limit)) <= limit


@given(st.text(alphabet="ab` ", min_size=1))
def test_code_is_closed_by_as_many_marks_as_opened_it(text: str) -> None:
    marked = code(text)
    opening = len(marked) - len(marked.lstrip("`"))
    assert opening == len(marked) - len(marked.rstrip("`"))
    assert "`" * opening not in marked[opening:-opening].strip("`") or not text.strip()
