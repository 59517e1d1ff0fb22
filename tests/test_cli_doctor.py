"""gitskill doctor: what is here and what is missing, in rows that a person and a script can read."""

import asyncio
import json
import shutil
import socket
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state
from fault_server import FaultServer, Reaction, Script, always, document, error, hang, ok, page, redirect, reset, then
from gitskill.cli.doctor_model import local_row
from gitskill.model.endpoint import Endpoint, Settings
from gitskill.model.failures import ModelUnusable
from gitskill.model.trial import tried

Run = Callable[..., Done]
KEY = "sk-own-0123456789abcdef"
CORRECT = ok('{"correct": true}')


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a user who has configured nothing, whatever the one who runs the tests has."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GITSKILL_MODEL", "GITSKILL_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def configure(home: Path, text: str, mode: int = 0o600) -> Path:
    file = home / ".config" / "gitskill" / "config.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def rows(done: Done) -> dict[str, tuple[str, str]]:
    """Give verdict and detail by what they are about."""
    return {row["what"]: (row["verdict"], row["detail"]) for row in json.loads(done.out)}


def test_a_good_place_is_ok_in_every_row(folder: Path, gitskill: Run) -> None:
    before = state(folder)

    done = gitskill(folder, "doctor", "--json")

    found = rows(done)
    assert (done.code, done.err) == (0, "")
    assert found["gitskill"] == ("ok", version("gitskill"))
    assert found["git"] == ("ok", shutil.which("git"))
    assert found["repository"] == ("ok", f"{folder}, branches below gitskill/")
    assert found["identity"] == ("ok", "Ada <ada@example.com>")
    assert found["skill"] == ("ok", "the root: ok")
    assert "checkout" not in found
    assert state(folder) == before


def test_the_table_has_the_same_rows_with_their_columns_aligned(folder: Path, gitskill: Run) -> None:
    listed = json.loads(gitskill(folder, "doctor", "--json").out)

    done = gitskill(folder, "doctor")

    wide = [max(len(row[key]) for row in listed) for key in ("verdict", "what")]
    assert done.out.splitlines() == [
        f"{row['verdict']:{wide[0]}}  {row['what']:{wide[1]}}  {row['detail']}" for row in listed
    ]
    assert (done.code, done.err) == (0, "")


def test_outside_any_repository_that_is_the_bad_news(tmp_path: Path, gitskill: Run) -> None:
    done = gitskill(tmp_path, "doctor", "--json")

    verdict, detail = rows(done)["repository"]
    assert (done.code, verdict) == (3, "bad")
    assert detail.startswith(f"{tmp_path} is not inside a git repository (run `gitskill init` to start one")


def test_a_repository_without_a_commit_is_bad(tmp_path: Path, gitskill: Run) -> None:
    git(tmp_path, "init", "-q")

    done = gitskill(tmp_path, "doctor", "--json")

    assert done.code == 3
    assert rows(done)["repository"][0] == "bad"


def test_missing_git_is_bad_and_missing_optional_programs_are_not(
    folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    done = gitskill(folder, "doctor", "--json")

    found = rows(done)
    assert done.code == 3
    assert found["git"] == ("bad", "not on PATH; needed: packs, refs")
    assert found["bwrap"][0] == "none"


def test_uncommitted_edits_of_the_skill_are_pointed_out(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_text(SKILL + "\nMore.\n")
    (folder / "other.txt").write_text("not the skill's")

    done = gitskill(folder, "doctor", "--json")

    assert rows(done)["checkout"] == ("note", "uncommitted edits are not part of a base: SKILL.md")
    assert done.code == 0


def test_without_an_identity_that_is_said(folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_COMMITTER_NAME")

    done = gitskill(folder, "doctor", "--json")

    assert done.code == 3
    assert '"verdict": "bad"' in done.out
    assert "git does not know who you are" in done.out


def test_an_invalid_skill_is_not_ok(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_text("no frontmatter")
    commit_all(folder, "Broken")

    done = gitskill(folder, "doctor", "--json")

    verdict, detail = rows(done)["skill"]
    assert (done.code, verdict) == (3, "bad")
    assert detail == "the root: invalid"


def test_names_with_escape_sequences_are_shown_as_text(folder: Path, gitskill: Run) -> None:
    place = folder.parent / "sh\x1b[31m\u202eeets"
    folder.rename(place)

    for arguments in ((), ("--json",)):
        done = gitskill(place, "doctor", *arguments)
        assert done.code == 0
        assert not {"\x1b", "\u202e"} & set(done.out + done.err)


def test_with_nothing_configured_that_is_said_and_is_not_bad(folder: Path, gitskill: Run, home: Path) -> None:
    done = gitskill(folder, "doctor", "--json")

    found = rows(done)
    assert found["configuration"] == ("none", f"no file at {home}/.config/gitskill/config.yml")
    assert found["model"] == ("none", "none is configured: the offline engine works")
    assert found["budget"] == ("none", "no limit, unless an option sets one")
    assert {"key", "model call"}.isdisjoint(found)
    assert done.code == 0


def doctor_with(script: Script, folder: Path, gitskill: Run, home: Path, *args: str) -> tuple[Done, FaultServer]:
    """Let doctor look at a server that the user's file names."""
    with FaultServer(script) as server:
        configure(home, f"model: {{base_url: '{server.url}', key: {KEY}, model: m, deadline: 0.5}}")
        done = gitskill(folder, "doctor", "--json", *args)
    assert KEY not in done.out + done.err
    return done, server


def test_a_model_that_answers_is_ok_in_every_row(folder: Path, gitskill: Run, home: Path) -> None:
    done, server = doctor_with(always(CORRECT), folder, gitskill, home)

    found = rows(done)
    file = home / ".config" / "gitskill" / "config.yml"
    assert found["configuration"] == ("ok", str(file))
    who = "your configuration"
    assert found["model"] == ("ok", f"m, named by {who}, at 127.0.0.1:{server.port}, named by {who}")
    assert found["key"] == ("ok", f"from {who}")
    assert found["model call"] == ("ok", "it answers in the shape of a JSON schema; 110 tokens, price unknown")
    assert (done.code, server.count) == (0, 1)


def test_the_price_of_the_call_is_told_where_it_is_known(folder: Path, gitskill: Run, home: Path) -> None:
    with FaultServer(always(CORRECT)) as server:
        prices = "prices: {m: {input: 1, output: 10}}"
        configure(home, f"model: {{base_url: '{server.url}', model: m}}\n{prices}")
        done = gitskill(folder, "doctor", "--json")

    assert rows(done)["model call"][1].endswith("110 tokens, $0.000200")
    assert rows(done)["key"] == ("none", "none, and on this machine none is needed")


def test_the_form_that_an_endpoint_takes_is_told(folder: Path, gitskill: Run, home: Path) -> None:
    no_form = error(400, "response_format is not supported")

    done, _ = doctor_with(then(no_form, error(400, "no tools"), CORRECT), folder, gitskill, home)

    assert rows(done)["model call"][1].startswith("it answers in the shape of the prompt's own words; ")


@pytest.mark.parametrize(
    ("reaction", "says"),
    [
        (error(401, f"wrong key {KEY}"), "answered 401: wrong key *** (see whether the key is right"),
        (error(404), "answered 404: it broke (see whether the model's name is right"),
        (error(500), "answered 500"),
        (page(), "answered with a web page (see whether the base URL is right"),
        (redirect("http://elsewhere.example/v1"), "redirects to elsewhere.example; nothing was sent there"),
        (reset(), "127.0.0.1"),
        (ok("fine"), "the answer broke its format twice"),
        (ok('{"correct": t', finish="length"), "the answer was cut off"),
    ],
    ids=["401", "404", "500", "page", "redirect", "reset", "no-json", "cut"],
)
def test_a_model_that_does_not_answer_is_bad_and_says_why(
    folder: Path, gitskill: Run, home: Path, reaction: Reaction, says: str
) -> None:
    done, _ = doctor_with(always(reaction), folder, gitskill, home)

    verdict, detail = rows(done)["model call"]
    assert (done.code, verdict, done.err) == (3, "bad", "")
    assert says in detail


def test_a_model_that_hangs_is_given_up(folder: Path, gitskill: Run, home: Path) -> None:
    done, _ = doctor_with(always(hang()), folder, gitskill, home)

    verdict, detail = rows(done)["model call"]
    assert (done.code, verdict) == (3, "bad")
    assert "gave no answer within 0.5 s" in detail


def test_the_trial_has_a_time_of_its_own() -> None:
    with FaultServer(always(hang())) as server:
        settings = Settings(Endpoint(server.url), "m", "a test")
        with pytest.raises(ModelUnusable, match=r"gave no answer within 0\.2 s"):
            asyncio.run(tried(settings, {}, 0.2))


def test_without_a_call_nothing_is_sent(folder: Path, gitskill: Run, home: Path) -> None:
    done, server = doctor_with(always(error(401)), folder, gitskill, home, "--no-call")

    assert rows(done)["model"][0] == "ok"
    assert "model call" not in rows(done)
    assert (done.code, server.count) == (0, 0)


def test_the_environment_is_named_where_it_decides(
    folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://models.example.com/v1")
    monkeypatch.setenv("GITSKILL_MODEL", "tiny-135m")

    found = rows(gitskill(folder, "doctor", "--json", "--no-call"))

    told = "tiny-135m, named by GITSKILL_MODEL, at models.example.com, named by OPENAI_BASE_URL"
    assert found["model"] == ("ok", told)
    assert found["key"] == ("ok", "from OPENAI_API_KEY")
    assert found["model size"][0] == "note"


def test_a_script_is_no_endpoint(folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITSKILL_MODEL", "script:answers.json")
    (folder / "answers.json").write_text("[]")

    found = rows(gitskill(folder, "doctor", "--json"))

    assert found["model"] == ("ok", f"{folder}/answers.json, a file of answers, named by GITSKILL_MODEL")
    assert "model call" not in found


@pytest.mark.parametrize(
    ("text", "row", "says"),
    [
        ("modle: {}", "configuration", "modle is no setting here (did you mean model?)"),
        ("model: {modle: m}", "model", "modle is no setting of a model"),
        (
            "model: {key: some-key}",
            "model",
            "no model is named (name one with --model or GITSKILL_MODEL, or go --offline)",
        ),
        ("model: {model: m}", "model", "there is no key for api.openai.com (set OPENAI_API_KEY)"),
        ("model: {model: m, key: k, base_url: 'http://far.example/v1'}", "model", "is not encrypted"),
        ("prices: {m: {input: 1}}", "model", "the price of m needs input and output"),
        ("prompts: none", "model", "none is no folder"),
    ],
)
def test_a_wrong_configuration_is_a_bad_row_and_no_crash(
    folder: Path, gitskill: Run, home: Path, text: str, row: str, says: str
) -> None:
    configure(home, text)

    done = gitskill(folder, "doctor", "--json")

    verdict, detail = rows(done)[row]
    assert (done.code, verdict) == (3, "bad")
    assert says in detail


def test_a_key_that_others_may_read_is_noted(folder: Path, gitskill: Run, home: Path) -> None:
    file = configure(home, f"model: {{key: {KEY}, model: m}}", mode=0o640)

    done = gitskill(folder, "doctor", "--json", "--no-call")

    assert rows(done)["configuration"][0] == "note"
    assert rows(done)["configuration"][1].endswith(f"chmod 600 {file}")
    assert done.code == 0


def test_limits_of_the_user_and_the_repository_are_told(folder: Path, gitskill: Run, home: Path) -> None:
    configure(home, "limits: {max_calls: 100, max_tokens: 1000}")
    (folder / ".gitskill.yml").write_text("max_calls: 10")
    commit_all(folder, "Narrow")

    done = gitskill(folder, "doctor", "--json")

    assert rows(done)["budget"] == ("ok", "at most 10 calls, 1,000 tokens")


def test_a_repository_that_wants_another_address_is_bad_and_its_address_hears_nothing(
    folder: Path, gitskill: Run, home: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as evil:
        evil.setblocking(False)
        (folder / ".gitskill.yml").write_text(f"base_url: http://127.0.0.1:{evil.getsockname()[1]}/v1")
        commit_all(folder, "Redirect")
        done, server = doctor_with(always(CORRECT), folder, gitskill, home)
        with pytest.raises(BlockingIOError):
            evil.accept()

    verdict, detail = rows(done)["budget"]
    assert (done.code, verdict) == (3, "bad")
    assert detail.startswith(".gitskill.yml of the repository: a repository may not set base_url: it would say where ")
    assert rows(done)["model call"][0] == "ok"
    assert server.count == 1


def test_a_server_on_this_machine_is_told_with_its_models() -> None:
    names = [{"id": f"m{number}"} for number in range(7)]
    with FaultServer(always(document({"data": names}))) as server, FaultServer(always(page())) as other:
        row = local_row((server.port, other.port))
        assert [seen.method for seen in server.seen] == ["GET"]
        assert "authorization" not in server.seen[0].headers

    assert row == ("local models", "ok", f"{server.url}: m0, m1, m2, m3, m4 and 2 more")


def test_no_server_on_this_machine_is_not_bad() -> None:
    with FaultServer() as server:
        port = server.port

    assert local_row((port,)) == ("local models", "none", f"none answers at port {port}; --local looks there too")


def test_doctor_looks_at_the_usual_ports(folder: Path, gitskill: Run) -> None:
    assert rows(gitskill(folder, "doctor", "--json"))["local models"][0] in {"ok", "none"}
