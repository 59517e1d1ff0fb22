"""The id of a run's task: from the log, the path or the words."""

from pathlib import Path

import pytest

from gitskill.errors import InvalidInput
from gitskill.tasks import TaskRule
from gitskill.trace import Trace

PATH = Path("/home/ada/runs/sheets-118/trial.2.jsonl")


def task(rule: str, *, told: str = "", request: str = "Sum it up.") -> str:
    trace = Trace("own", told, request, ())
    return TaskRule.parse(rule).task(trace, PATH, lambda text: text.replace("sheets", "(x)"))


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("log", "t1"),
        ("file", "trial"),
        ("folder", "(x)-118"),
        ("path:runs/([^/]+)/", "(x)-118"),
        ("path:trial.[0-9]+", "trial.2"),
        ("path:nothing", "t1"),
        ("text", "text-9c95b361a200"),
    ],
)
def test_the_rule_says_where_the_id_stands_and_what_comes_from_a_path_is_cleaned(rule: str, named: str) -> None:
    assert task(rule, told="t1") == named


def test_without_an_id_the_same_words_are_the_same_task() -> None:
    assert task("log", request="Sum it up.") == task("log", request="  Sum\n it up. ")
    assert task("log", request="Sum it up.") != task("log", request="Sum it down.")


def test_without_id_and_words_the_file_names_the_task() -> None:
    assert task("log", request=" \n") == "trial"


def test_an_id_is_one_line_of_a_bearable_length() -> None:
    assert task("log", told="a\nb\t c" + "d" * 300) == "a b c" + "d" * 195


def test_an_id_holds_no_control_characters() -> None:
    assert task("log", told="a\0b\x1b[31m\x85c\x9b") == "a b [31m c"
    assert task("log", told="\0", request="") == "trial"


@pytest.mark.parametrize("rule", ["", "name", "path", "path:(", "file:x"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(InvalidInput, match="--task-from"):
        TaskRule.parse(rule)
