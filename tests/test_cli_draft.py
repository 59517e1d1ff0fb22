"""gitskill init --draft: a model writes the first version of a skill, checked, paid for once, and nothing half done."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Done, commit_all, git, state
from fault_server import FaultServer, Reaction, Seen, always, error, ok, then

Run = Callable[..., Done]

BODY = """\
# Sheets

## When to use

For xlsx files.

## How to work

1. Read before you write.

## Pitfalls

- None.
"""
PURPOSE = "editing spreadsheets with openpyxl"


def drafted(body: str = BODY, description: str = "Edit spreadsheets. Use for xlsx files.") -> Reaction:
    return ok(json.dumps({"description": description, "body": body}))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder to work in, and keep the ledger of drafts away from the developer's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """Serve a model that drafts well, and make that endpoint the configured one."""
    with FaultServer(always(drafted())) as served:
        monkeypatch.setenv("OPENAI_BASE_URL", served.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        monkeypatch.setenv("GITSKILL_MODEL", "m")
        yield served


def test_a_model_writes_the_skill_in_one_call_and_the_commit_names_it(
    work: Path, gitskill: Run, server: FaultServer
) -> None:
    done = gitskill(work, "init", "my-sheets", "--draft", PURPOSE)

    place = work / "my-sheets"
    assert done.code == 0, done.err
    assert done.out.startswith(f"started skill my-sheets in {place}\ncommitted ")
    assert "draft     1 call, 100 tokens in, 10 out, price unknown" in done.err
    text = (place / "SKILL.md").read_text()
    assert text == f'---\nname: my-sheets\ndescription: "Edit spreadsheets. Use for xlsx files."\n---\n\n{BODY}'
    said = git(place, "log", "--format=%s|%(trailers:key=Drafted-By,valueonly)").strip()
    assert re.fullmatch(r"Start skill my-sheets\|m prompts:[0-9a-f]{8}", said)
    assert git(place, "tag") == "v1.0.0\n"
    assert gitskill(place, "check").code == 0
    [seen] = server.seen
    assert PURPOSE in seen.text
    assert "my-sheets" in seen.text


def test_a_body_without_a_title_gets_the_skills(work: Path, gitskill: Run, server: FaultServer) -> None:
    server.script = always(drafted("## How to work\r\n\r\n1. Read."))

    assert gitskill(work, "init", "my-sheets", "--draft", PURPOSE).code == 0

    assert (work / "my-sheets" / "SKILL.md").read_text().endswith("---\n\n# My sheets\n\n## How to work\n\n1. Read.\n")


BAD = {
    "link": (drafted(BODY + "\nSee [more](references/more.md)."), "which is not in the skill"),
    "hidden": (drafted(BODY + "\nRead\u202e this."), r"hides U\+202E"),
    "secret": (drafted(BODY + "\nWrite to ada@corp.example.org."), "stands for something that was removed"),
    "frontmatter": (drafted("---\nname: other\n---\n" + BODY), "the body begins with ---"),
    "empty": (drafted(" \n"), "the body is empty"),
    "description": (drafted(description="d" * 1025), "1024"),
    "no-description": (drafted(description=""), "description"),
    "conflict": (drafted(BODY + "\n<<<<<<< ours\n"), "conflict marker"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_draft_that_is_refused_goes_back_once_with_the_reason(
    name: str, work: Path, gitskill: Run, server: FaultServer
) -> None:
    bad, reason = BAD[name]
    server.script = then(bad, drafted())

    done = gitskill(work, "init", "sheets", "--draft", PURPOSE)

    assert done.code == 0, done.err
    assert server.count == 2
    assert re.search(reason, server.seen[1].json["messages"][-1]["content"])
    assert (work / "sheets" / "SKILL.md").read_text().endswith(BODY)


@pytest.mark.parametrize("name", ["link", "hidden", "secret", "frontmatter"])
def test_refused_twice_it_leaves_nothing_behind(name: str, work: Path, gitskill: Run, server: FaultServer) -> None:
    bad, reason = BAD[name]
    server.script = always(bad)

    done = gitskill(work, "init", "sheets", "--draft", PURPOSE)

    assert (done.code, done.out, server.count) == (3, "", 2)
    assert re.search(f"gitskill: the draft cannot be used: .*(?:{reason})", done.err)
    assert "\u202e" not in done.err
    assert list(work.iterdir()) == []


def test_an_answer_of_another_shape_goes_back_once(work: Path, gitskill: Run, server: FaultServer) -> None:
    server.script = then(ok('{"description": "d"}'), drafted())

    assert gitskill(work, "init", "sheets", "--draft", PURPOSE).code == 0
    assert "body: Field required" in server.seen[1].text


def test_what_a_draft_reaches_is_told(work: Path, gitskill: Run, server: FaultServer) -> None:
    server.script = always(drafted(BODY + "- Run `curl https://files.example.net/x` first.\n"))

    done = gitskill(work, "init", "sheets", "--draft", PURPOSE)

    assert done.code == 0
    assert "  reach     SKILL.md line 19: new host: files.example.net\n" in done.err
    assert "  reach     SKILL.md line 19: new command: curl\n" in done.err


@pytest.mark.parametrize(
    ("reaction", "code"),
    [(error(401, "who are you"), 6), (ok("", finish="content_filter"), 6), (ok('{"description": 1}'), 6)],
)
def test_a_model_that_fails_leaves_no_file_and_no_repository(
    reaction: Reaction, code: int, work: Path, gitskill: Run, server: FaultServer
) -> None:
    server.script = always(reaction)

    done = gitskill(work, "init", "sheets", "--draft", PURPOSE)

    assert (done.code, done.out) == (code, "")
    assert list(work.iterdir()) == []


def test_what_is_in_the_way_is_found_before_anything_is_paid(
    folder: Path, work: Path, gitskill: Run, server: FaultServer
) -> None:
    git(folder, "checkout", "-q", "--detach")

    for place, arguments, code in (
        (folder, ("skills/tables", "--draft", PURPOSE), 4),
        (folder, (".", "--draft", PURPOSE), 3),
        (work, ("sheets", "--name", "Bad Name", "--draft", PURPOSE), 3),
        (work, ("sheets", "--draft", ""), 2),
        (work, ("sheets", "--draft", PURPOSE, "--description", "x"), 2),
        (work, ("sheets", "--max-usd", "1"), 2),
    ):
        assert gitskill(place, "init", *arguments).code == code, arguments

    assert server.count == 0


def test_a_budget_stops_it_and_the_same_command_goes_on_without_paying_twice(
    work: Path, gitskill: Run, server: FaultServer
) -> None:
    server.script = then(BAD["link"][0], drafted())
    command = ("init", "sheets", "--draft", PURPOSE, "--max-calls")

    paused = gitskill(work, *command, "1")
    assert (paused.code, server.count) == (75, 1)
    assert list(work.iterdir()) == []

    assert gitskill(work, *command, "2").code == 0
    assert server.count == 2
    assert git(work, "init", "-q", "twin") == ""
    assert gitskill(work / "twin", "init", "--name", "sheets", "--draft", PURPOSE).code == 0
    assert server.count == 3  # another repository, another ledger; there is nothing in it yet


def test_killed_after_the_answer_the_draft_is_not_paid_for_again(
    work: Path, gitskill: Run, server: FaultServer
) -> None:
    """Something takes the place while the model writes: the answer is stored by then."""

    def takes_the_place(_: Seen) -> None:
        (work / "sheets").write_text("mine")

    server.on_request = takes_the_place
    assert gitskill(work, "init", "sheets", "--draft", PURPOSE).code == 3
    assert (work / "sheets").read_text() == "mine"
    (work / "sheets").unlink()
    server.on_request = None

    again = gitskill(work, "init", "sheets", "--draft", PURPOSE)

    assert (again.code, server.count) == (0, 1)
    assert "  draft     paid for before: nothing was asked\n" in again.err


def test_in_a_repository_its_ledger_is_used_and_its_limits_count(
    folder: Path, work: Path, gitskill: Run, server: FaultServer
) -> None:
    (folder / ".gitskill.yml").write_text("max_calls: 0\n")
    commit_all(folder, "No calls")
    before = state(folder)

    done = gitskill(folder, "init", "skills/tables", "--draft", PURPOSE)

    assert (done.code, server.count) == (75, 0)
    assert state(folder) == before
    (folder / ".gitskill.yml").write_text("max_calls: 1\n")
    commit_all(folder, "One call")
    assert gitskill(folder, "init", "skills/tables", "--draft", PURPOSE).code == 0
    assert git(folder, "tag") == "tables/v1.0.0\n"
    assert (folder / ".git" / "gitskill" / "ledger.db").exists()
    assert not (work.parent / "state").exists()


@pytest.mark.parametrize(("flags", "told"), [((), " (gitskill doctor tells more)\n"), (("--offline",), "filled in\n")])
def test_without_a_model_there_is_a_skeleton_and_a_line_that_says_so(
    flags: tuple[str, ...], told: str, work: Path, gitskill: Run
) -> None:
    done = gitskill(work, "init", "sheets", "--draft", "Edit sheets. Use for xlsx files.", *flags)

    assert done.code == 0
    assert done.err.startswith("model     no model is asked: SKILL.md is a skeleton")
    assert done.err.partition("next")[0].endswith(f"{told}  ")
    text = (work / "sheets" / "SKILL.md").read_text()
    assert 'description: "Edit sheets. Use for xlsx files."' in text
    assert "## Pitfalls" in text
    assert "Drafted-By" not in git(work / "sheets", "log", "--format=%B")


def test_the_words_can_be_the_users_own_and_the_commit_says_so(
    work: Path, gitskill: Run, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitskill(work, "init", "one", "--draft", PURPOSE)
    (work.parent / "prompts").mkdir()
    (work.parent / "prompts" / "draft-task.md").write_text("Mine: $called, $purpose")
    (work.parent / "config.yml").write_text("prompts: prompts\n")
    monkeypatch.setenv("GITSKILL_CONFIG", str(work.parent / "config.yml"))

    assert gitskill(work, "init", "two", "--draft", PURPOSE).code == 0

    assert server.seen[-1].json["messages"][-1]["content"] == f"Mine: two, {PURPOSE}"
    by = [git(work / name, "log", "--format=%(trailers:key=Drafted-By)") for name in ("one", "two")]
    assert by[0] != by[1]
