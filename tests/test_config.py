"""What may stand in the user's file and in a repository's, and how each slip is named."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.config import MAX_BYTES, MOST_WORKERS, WORKERS, UserConfig, narrowing, parse, place
from gitskill.errors import InvalidInput
from gitskill.model.budget import Limits, narrowed
from gitskill.model.endpoint import DEADLINE, settle
from gitskill.model.local import PORTS
from gitskill.model.prices import Price, table
from gitskill.model.retry import RETRIED
from gitskill.model.scripted import Scripted

KEY = "sk-own-0123456789abcdef"
WHOLE = f"""\
model:
  base_url: https://models.example.com/v1
  key: {KEY}
  model: qwen3-32b
  headers: {{X-Team: skills}}
  deadline: 120
prices:
  qwen3-32b: {{input: 0.5, output: 2}}
limits: {{max_calls: 500, max_usd: 2.5}}
prompts: prompts
workers: 8
verify: require
"""
FILE = Path("/home/ada/.config/gitskill/config.yml")


def read(text: str) -> UserConfig:
    return parse(text.encode(), FILE, Path("/home/ada"))


def refused(text: str | bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), FILE)
    return caught.value


def test_the_whole_file_becomes_values_that_the_model_takes() -> None:
    found = read(WHOLE)

    settings = settle({}, {}, found.model)
    assert settings is not None
    assert (settings.model, settings.endpoint.host) == ("qwen3-32b", "models.example.com")
    assert (settings.endpoint.key, settings.endpoint.deadline) == (KEY, 120.0)
    assert settings.endpoint.headers == (("X-Team", "skills"),)
    assert table(found.prices) == {"qwen3-32b": Price(0.5, 2, 0.5)}
    assert found.limits == {"max_calls": 500, "max_usd": 2.5}
    assert found.prompts == FILE.parent / "prompts"
    assert (found.workers, found.verify) == (8, "require")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "model:\nprices:\nlimits:\n", "\ufeff{}"])
def test_a_file_that_says_nothing_is_no_configuration(text: str) -> None:
    assert read(text) == UserConfig()


@pytest.mark.parametrize(
    ("written", "found"),
    [("~/prompts", "/home/ada/prompts"), ("/opt/prompts", "/opt/prompts"), ("../p", f"{FILE.parent}/../p")],
)
def test_prompts_lie_beside_the_file_in_the_home_or_anywhere(written: str, found: str) -> None:
    assert read(f"prompts: {written}").prompts == Path(found)


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("modle: {}", "modle is no setting here", "did you mean model?"),
        ("zebra: 1", "zebra is no setting here", "there are: limits, model,"),
        ("limits: {max_call: 1}", "max_call is no setting here", "did you mean max_calls?"),
        ("limits: {max_calls: 1.5}", "max_calls is not a whole number from 0 on", ""),
        ("limits: {max_usd: -1}", "max_usd is not a number from 0 on", ""),
        ("limits: {max_usd: .nan}", "max_usd is not a number from 0 on", ""),
        ("limits: {max_tokens: many}", "max_tokens is not a whole number", ""),
        ("limits: [1]", "limits is not a mapping", ""),
        ("model: gpt", "model is not a mapping", ""),
        ("workers: 0", "workers is not from 1 to 256", ""),
        ("workers: 257", "workers is not from 1 to 256", ""),
        ("workers: two", "workers is not a whole number", ""),
        ("verify: yes", "verify is not one of auto, require, off", ""),
        ("prompts: [a]", "prompts is not the path of a folder", ""),
        ("prompts: ''", "prompts is not the path of a folder", ""),
        ("- a", "it is not a mapping", ""),
        ("a: &x 1\nb: *x", "line 1: found an anchor", ""),
        (b"\xff\xfe", "it is not UTF-8", ""),
        ("#" * (MAX_BYTES + 1), f"found more than {MAX_BYTES} bytes", ""),
    ],
)
def test_a_slip_is_named_with_the_file_and_the_key(text: str | bytes, says: str, hint: str) -> None:
    error = refused(text)

    assert str(error).startswith(f"{FILE}: ")
    assert says in str(error)
    assert error.hint.startswith(hint)


@pytest.mark.parametrize(
    "text",
    [
        f"model: {KEY}",
        f"model: {{key: [{KEY}]}}\nworkers: x",
        f"model:\n  key:{KEY}\n  model: m",
        f"limits: {{max_usd: {KEY}}}",
        f"verify: {KEY}",
        f"workers: {KEY}",
        f"prompts: [{KEY}]",
        f"model: {{key: '{KEY}\n",
    ],
)
def test_no_error_shows_what_a_setting_holds(text: str) -> None:
    error = refused(text)

    assert KEY not in f"{error} {error.hint}"


def test_the_values_show_no_secret_and_name_them_for_redaction() -> None:
    found = read(WHOLE)

    assert KEY not in repr(found)
    assert set(found.secrets.values()) == {KEY, "skills"}
    assert read("workers: 1").secrets == {}


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"GITSKILL_CONFIG": "/c.yml", "XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/c.yml"),
        ({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/gitskill/config.yml"),
        ({"XDG_CONFIG_HOME": "in-the-repository", "HOME": "/h"}, "/h/.config/gitskill/config.yml"),
        ({"GITSKILL_CONFIG": "", "XDG_CONFIG_HOME": "", "HOME": "/h"}, "/h/.config/gitskill/config.yml"),
    ],
)
def test_the_environment_says_where_the_file_is(environment: dict[str, str], found: str) -> None:
    assert place(environment) == Path(found)


@pytest.mark.parametrize("environment", [{}, {"HOME": "here"}])
def test_without_a_home_there_is_no_file(environment: dict[str, str]) -> None:
    assert place(environment) is None


@pytest.mark.parametrize(
    "key",
    ["base_url", "key", "headers", "model", "proxy", "prices", "deadline", "limits", "workers", "verify", "sandbox"],
)
def test_a_repository_may_not_say_anything_else(key: str) -> None:
    with pytest.raises(InvalidInput, match=f"a repository may not set {key}:"):
        narrowed(Limits(), narrowing(f"max_calls: 1\n{key}: x\n".encode()))


@pytest.mark.parametrize("value", ["-1", ".nan", ".inf", "'a'", "[1]", "''", "1e3"])
def test_what_is_no_number_is_no_limit_of_a_repository(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"max_usd in the repository's configuration is not a number"):
        narrowed(Limits(), narrowing(f"max_usd: {value}".encode()))


number = st.none() | st.integers(0, 10**6)


@given(ours=st.tuples(number, number, number), theirs=st.tuples(number, number, number))
def test_narrowing_never_widens(ours: tuple[Any, Any, Any], theirs: tuple[Any, Any, Any]) -> None:
    names = ("max_calls", "max_tokens", "max_usd")
    text = "".join(f"{name}: {value}\n" for name, value in zip(names, theirs, strict=True) if value is not None)

    found = narrowed(Limits(*ours), narrowing(text.encode()))

    for after, before, asked in zip((found.calls, found.tokens, found.usd), ours, theirs, strict=True):
        assert after == min((each for each in (before, asked) if each is not None), default=None)


def examples(language: str) -> list[str]:
    page = Path(__file__).parents[1] / "docs" / "models.md"
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_files_in_the_docs_are_read_as_they_stand_there() -> None:
    users, repositorys = examples("yaml")

    found = read(users)

    settings = settle({}, {}, found.model)
    assert settings is not None
    assert (settings.endpoint.host, settings.endpoint.deadline) == ("models.example.com", 300.0)
    assert table(found.prices) == {"qwen3-32b": Price(0.5, 2, 0.05)}
    assert (found.workers, found.verify, found.prompts) == (16, "auto", FILE.parent / "prompts")
    ours = Limits(*found.limits.values())  # type: ignore[arg-type]
    assert narrowed(ours, narrowing(repositorys.encode())) == Limits(200, 2_000_000, 2)


def test_the_script_in_the_docs_is_one(tmp_path: Path) -> None:
    [text] = examples("json")
    (tmp_path / "answers.json").write_text(text)

    Scripted(tmp_path / "answers.json")


def test_what_the_docs_say_of_ports_and_numbers_is_so() -> None:
    page = (Path(__file__).parents[1] / "docs" / "models.md").read_text()

    assert all(f"{port} (" in page for port in PORTS)
    assert f"1 to {MOST_WORKERS}" in page
    assert f"else {WORKERS}" in page
    assert f"{DEADLINE:g} if not said" in page
    assert ", ".join(map(str, sorted(RETRIED)[:-1])) + f" and {max(RETRIED)}" in page
