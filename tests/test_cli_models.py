"""Which model a command comes to: flags, then the environment, then the user's file; a repository only narrows."""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conftest import commit_all
from fault_server import FaultServer, always, document
from gitskill.cli import models
from gitskill.cli.models import Chosen, ModelFlags, choose, chosen, find_local, small
from gitskill.cli.session import Session
from gitskill.config import UserConfig
from gitskill.errors import InvalidInput
from gitskill.ids import CommitId
from gitskill.model.budget import Limits
from gitskill.model.endpoint import Settings
from gitskill.model.failures import ModelUnusable
from gitskill.model.stack import Script

KEY = "sk-own-0123456789abcdef"
USER = f"""\
model: {{base_url: "https://models.example.com/v1", key: {KEY}, model: from-file}}
limits: {{max_calls: 500, max_usd: 2.5}}
workers: 8
verify: require
"""


@dataclass
class Place:
    """A skill, a home, and what stands in the environment."""

    folder: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def user(self, text: str, mode: int = 0o600) -> Path:
        file = self.home / ".config" / "gitskill" / "config.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def repository(self, text: str, *, path: str = ".gitskill.yml") -> str:
        (self.folder / path).write_text(text)
        return commit_all(self.folder, "Configure")

    @property
    def session(self) -> Session:
        return Session(self.folder, None, {"HOME": str(self.home)} | self.environment)

    def choose(self, **flags: object) -> Chosen:
        return choose(self.session, ModelFlags(**flags))  # type: ignore[arg-type]


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Place:
    home = tmp_path / "home"
    home.mkdir()
    return Place(folder, home)


def settings(found: Chosen) -> Settings:
    assert found.setup is not None
    assert isinstance(found.setup.where, Settings)
    return found.setup.where


def test_with_nothing_configured_the_offline_engine_works_and_says_so(place: Place) -> None:
    found = place.choose()

    assert (found.setup, found.engine, found.limits) == (None, "offline", Limits())
    assert (found.workers, found.verify, found.prompts) == (32, "auto", None)
    assert found.notes == ("model     none is configured: the offline engine works (gitskill doctor tells more)",)


def test_the_users_file_says_all_there_is_to_say(place: Place) -> None:
    place.user(USER)

    found = place.choose()

    assert found.engine == "from-file at models.example.com"
    assert settings(found).endpoint.key == KEY
    assert (found.limits, found.workers, found.verify) == (Limits(500, None, 2.5), 8, "require")
    assert found.notes == ("model     from-file at models.example.com (your configuration)",)


def test_flags_win_over_the_environment_and_that_over_the_file(place: Place) -> None:
    place.user(USER)
    place.environment = {
        "OPENAI_BASE_URL": "https://from.env/v1",
        "GITSKILL_MODEL": "from-env",
        "OPENAI_API_KEY": "env-key",
    }

    by_environment = place.choose()
    by_flags = place.choose(model="from-flag", base_url="https://from.flag/v1", max_calls=7, workers=3)

    assert (by_environment.engine, settings(by_environment).endpoint.key) == ("from-env at from.env", "env-key")
    assert (by_flags.engine, settings(by_flags).source) == ("from-flag at from.flag", "--base-url")
    assert (by_flags.limits, by_flags.workers) == (Limits(7, None, 2.5), 3)


def test_a_flag_of_nothing_is_a_limit_and_not_the_lack_of_one(place: Place) -> None:
    place.user(USER)

    assert place.choose(max_calls=0, max_usd=0.0).limits == Limits(0, None, 0.0)


def test_offline_asks_no_model_even_if_one_is_configured(place: Place) -> None:
    place.user(USER)

    found = place.choose(offline=True)

    assert (found.setup, found.engine, found.notes) == (None, "offline", ())


def test_a_script_needs_no_endpoint_and_no_key(place: Place) -> None:
    (place.session.directory / "answers.json").write_text("[]")
    found = place.choose(model="script:answers.json")

    assert found.setup is not None
    assert found.setup.where == Script(place.folder / "answers.json")
    assert found.engine == "script:answers.json"


def test_a_repository_tightens_what_flags_and_file_allow(place: Place) -> None:
    place.user(USER)
    place.repository("max_calls: 10\nmax_tokens: 1000\nmax_usd: 99\n")

    found = place.choose(max_calls=50)

    assert found.limits == Limits(10, 1000, 2.5)
    assert found.setup is not None
    assert found.setup.limits == found.limits
    assert found.notes[-1] == "budget    at most 10 calls, 1,000 tokens, 2.5 dollars, for .gitskill.yml narrows it"


def test_the_files_of_the_root_and_of_the_skills_folder_both_count(place: Place) -> None:
    (place.folder / "skills" / "sheets").mkdir(parents=True)
    (place.folder / "SKILL.md").rename(place.folder / "skills" / "sheets" / "SKILL.md")
    place.repository("max_calls: 10\nmax_tokens: 50")
    place.repository("max_calls: 20\nmax_tokens: 40", path="skills/sheets/.gitskill.yml")

    assert place.choose().limits == Limits(10, 40, None)


def test_only_what_is_committed_counts_and_a_run_keeps_to_its_base(place: Place) -> None:
    base = place.repository("max_calls: 10")
    place.repository("max_calls: 5")
    (place.folder / ".gitskill.yml").write_text("max_calls: 1")

    assert place.choose().limits == Limits(calls=5)
    assert choose(place.session, ModelFlags(), CommitId(base)).limits == Limits(calls=10)


@pytest.fixture
def evil() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Listen, and tell whether anybody came."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)

        def came() -> bool:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", came


@pytest.mark.parametrize("key", ["base_url", "model", "key", "headers", "prices", "verify", "prompts"])
def test_a_repository_that_wants_more_is_an_error_and_its_address_hears_nothing(
    place: Place, key: str, evil: tuple[str, Callable[[], bool]]
) -> None:
    url, came = evil
    place.user(USER)
    place.repository(f"{key}: {url}\n")

    with pytest.raises(InvalidInput) as caught:
        place.choose()

    assert str(caught.value).startswith(f".gitskill.yml of the repository: a repository may not set {key}")
    assert KEY not in f"{caught.value} {caught.value.hint}"
    assert not came()


@pytest.mark.parametrize("text", ["- a", "max_calls: many", "a: &a 1", "max_calls: 1\nmax_calls: 2"])
def test_a_repositorys_file_that_cannot_be_read_stops_the_command(place: Place, text: str) -> None:
    place.repository(text)

    with pytest.raises(InvalidInput, match=r"^\.gitskill\.yml of the repository: "):
        place.choose()


def test_a_link_is_no_configuration(place: Place) -> None:
    (place.home / "limits.yml").write_text("max_calls: 1")
    (place.folder / ".gitskill.yml").symlink_to(place.home / "limits.yml")
    commit_all(place.folder, "Link")

    with pytest.raises(InvalidInput, match=r"^\.gitskill\.yml of the repository: it is not a mapping"):
        place.choose()


def test_a_key_that_others_may_read_is_pointed_out(place: Place) -> None:
    file = place.user(USER, mode=0o644)

    assert f"{file} holds a key, and others on this machine may read it: chmod 600 {file}" in place.choose().notes


def test_a_file_that_is_named_must_be_there(place: Place) -> None:
    place.environment = {"GITSKILL_CONFIG": "none.yml"}

    with pytest.raises(InvalidInput, match=r"none\.yml, which GITSKILL_CONFIG names, is not there"):
        place.choose()


def test_a_file_that_is_named_counts_from_where_the_command_works(place: Place) -> None:
    (place.folder / "mine.yml").write_text("workers: 5")
    place.environment = {"GITSKILL_CONFIG": "mine.yml"}

    assert place.choose().workers == 5


def test_a_folder_is_no_file(place: Place) -> None:
    place.environment = {"GITSKILL_CONFIG": str(place.home)}

    with pytest.raises(InvalidInput, match="cannot be read: Is a directory"):
        place.choose()


def test_prompts_must_be_a_folder(place: Place) -> None:
    file = place.user("prompts: mine")

    with pytest.raises(InvalidInput, match="mine is no folder"):
        place.choose()
    (file.parent / "mine").mkdir()
    assert place.choose().prompts == file.parent / "mine"


def test_the_key_of_the_file_is_redacted_like_those_of_the_environment(place: Place) -> None:
    place.user("model: {key: abcdEFGH-9876-zyxw, model: m}")
    place.environment = {"OPENAI_API_KEY": "other-9876-KEYvalue"}

    found = place.choose()

    assert found.setup is not None
    cleaned = found.setup.redact("they said abcdEFGH-9876-zyxw and other-9876-KEYvalue")
    assert cleaned == found.setup.redact("they said abcdEFGH-9876-zyxw and other-9876-KEYvalue")
    assert "9876" not in cleaned


def test_what_a_person_should_know_is_told_on_stderr(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    place.user("model: {key: k-123456, model: qwen2.5-0.5b-instruct}")

    chosen(place.session, ModelFlags())

    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "model     qwen2.5-0.5b-instruct at api.openai.com (the default)",
        small("qwen2.5-0.5b-instruct"),
    ]


@pytest.mark.parametrize(
    "model",
    [
        "qwen2.5:0.5b",
        "SmolLM2-135M-Instruct",
        "llama3.2:1b",
        "qwen2.5-1.5B-instruct-q4",
        "gemma-3-270m-it",
        "org/x-1b_q8",
    ],
)
def test_names_of_small_models_are_known(model: str) -> None:
    assert small(model).startswith(f"{model} seems to be small")


@pytest.mark.parametrize(
    "model",
    [
        "qwen3-30b-a1b",
        "qwen3:1.7b",
        "gpt-4.1-mini",
        "mixtral-8x7b",
        "llama-4-17b-10m",
        "phi-128k",
        "x-7b-1m",
        "m",
        "11.5b",
    ],
)
def test_other_names_are_not_taken_for_small(model: str) -> None:
    assert small(model) == ""


def listing(*names: str) -> FaultServer:
    return FaultServer(always(document({"data": [{"id": name} for name in names]})))


def test_the_only_local_model_is_taken_and_gets_no_key() -> None:
    user = UserConfig({"key": KEY, "headers": {"X-Team": "skills"}, "deadline": 90})
    with listing("qwen3:8b") as server:
        found = find_local(None, user, [server.port])
        assert "authorization" not in server.seen[0].headers

    assert (found.model, found.endpoint.base_url, found.source) == ("qwen3:8b", server.url, "--local")
    assert (found.endpoint.key, found.endpoint.headers, found.endpoint.deadline) == ("", (), 90.0)


def test_of_several_local_models_one_must_be_named() -> None:
    with listing("a", "b") as one, listing("b") as two:
        ports = [one.port, two.port]
        assert find_local("a", UserConfig(), ports).endpoint.base_url == one.url
        with pytest.raises(InvalidInput) as unnamed:
            find_local(None, UserConfig(), ports)
        with pytest.raises(InvalidInput) as twice:
            find_local("b", UserConfig(), ports)

    assert unnamed.value.hint == "choose one with --model: a, b"
    assert twice.value.hint == f"choose one with --base-url: {one.url}, {two.url}"


def test_local_models_that_are_not_there_are_exit_6() -> None:
    with listing("a") as server, listing() as empty:
        with pytest.raises(ModelUnusable, match="no server on this machine has c") as other:
            find_local("c", UserConfig(), [server.port])
        with pytest.raises(ModelUnusable, match="no server on this machine has a model"):
            find_local(None, UserConfig(), [empty.port])
    with pytest.raises(ModelUnusable, match="no model server answers on this machine"):
        find_local(None, UserConfig(), [server.port])

    assert (other.value.hint, other.value.exit_code) == ("there are: a", 6)


@click.command()
@models.flags
@click.option("--more", is_flag=True)
def told(flags: ModelFlags, more: bool) -> None:
    click.echo(f"{flags} {more}")


def test_a_command_gets_its_flags_as_one_value() -> None:
    line = "--more --model m --base-url u --max-calls 1 --max-tokens 2 --max-usd 0.5 --workers 4"

    done = CliRunner().invoke(told, line.split())

    expected = ModelFlags("m", "u", max_calls=1, max_tokens=2, max_usd=0.5, workers=4)
    assert done.output == f"{expected} True\n"


@pytest.mark.parametrize(
    "line",
    [
        "--max-calls -1",
        "--max-usd nan",
        "--max-usd inf",
        "--workers 0",
        "--workers 257",
        "--offline --model m",
        "--offline --local",
        "--offline --base-url u",
        "--local --base-url u",
    ],
)
def test_flags_that_make_no_sense_are_a_usage_error(line: str) -> None:
    assert CliRunner().invoke(told, line.split()).exit_code == 2


def test_this_machines_own_environment_is_not_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://from.env/v1")
    monkeypatch.setenv("GITSKILL_MODEL", "m")
    assert "GITSKILL_MODEL" in os.environ

    assert place.choose().setup is None
