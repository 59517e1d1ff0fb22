"""From a run or a lesson to a pull request: with a real git server, and forges that know what they may be asked."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state
from fault_server import FaultServer, Reaction, Script, always, document, error
from forge_server import TOKEN, GitHubHost
from git_server import GitServer
from gitskill.cli.main import run
from gitskill.ids import CommitId
from gitskill.report.pull_request import LIMIT, Branch, of_run
from gitskill.report.status import status
from gitskill.store.nodes import NodeStore
from gitskill.store.repository import Repository
from gitskill.store.runs import recorded
from gitskill.store.skills import SkillReader

EVOLVED = "gitskill/r0001/evolved"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a run of two lessons, one of them with a title that wants to be more than text, and its candidate."""
    place = tmp_path_factory.mktemp("built") / "sheets"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    (place / "SKILL.md").write_text(SKILL)
    commit_all(place, "Base")
    for section, text in (("Writing", "Recalculate | after @ada wrote #12."), ("Dates", "Store dates as ISO dates.")):
        edits = place.parent / "edits.yml"
        edits.write_text(
            f'- {{op: append_to_section, file: SKILL.md, target_section: {section}, content: "- {text}"}}\n'
        )
        told = ["lesson", "add", "--title", text, "--why", "seen", "--edits", str(edits)]
        assert run(["-C", str(place), *told], os.environ) == 0
    assert run(["-C", str(place), "consolidate"], os.environ) == 0
    bare = place.parent / "served" / "ada" / "sheets.git"
    git(place, "clone", "-q", "--bare", "--single-branch", str(place), str(bare))
    git(bare, "config", "http.receivepack", "true")
    git(bare, "remote", "remove", "origin")
    return place.parent


@dataclass(frozen=True)
class Scene:
    """A repository with a candidate, its remote on a server, and a forge beside it."""

    folder: Path
    there: Path
    server: GitServer
    forge: FaultServer
    host: GitHubHost
    gitskill: Callable[..., Done]

    @property
    def candidate(self) -> str:
        return git(self.folder, "rev-parse", EVOLVED).strip()

    def pr(self, *args: str, forge: FaultServer | None = None) -> Done:
        """Run `gitskill pr` with this forge."""
        return self.gitskill(self.folder, "pr", f"--forge=github=http://127.0.0.1:{(forge or self.forge).port}", *args)


@pytest.fixture
def scene(
    built: Path, tmp_path: Path, gitskill: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    shutil.copytree(built, tmp_path / "scene")
    folder, served = tmp_path / "scene" / "sheets", tmp_path / "scene" / "served"
    host = GitHubHost()
    with GitServer(served) as server, FaultServer(host) as forge:
        git(folder, "remote", "add", "origin", f"{server.url}/ada/sheets.git")
        own = tmp_path / "own.config"
        own.write_text(
            f'[credential]\n\thelper = "!f() {{ echo username=ada; echo password={server.password}; }}; f"\n'
        )
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
        monkeypatch.setenv("GH_TOKEN", TOKEN)
        yield Scene(folder, served / "ada" / "sheets.git", server, forge, host, gitskill)


def branches(there: Path) -> dict[str, str]:
    rows = git(there, "for-each-ref", "--format=%(refname:short) %(objectname)").split()
    return dict(zip(rows[::2], rows[1::2], strict=True))


def test_the_candidate_alone_is_pushed_and_its_pull_request_opened(scene: Scene) -> None:
    before, refs = state(scene.folder), git(scene.folder, "for-each-ref")

    done = scene.pr("--draft")

    assert (done.code, done.out) == (0, "https://github.example/ada/sheets/pull/1  opened\n")
    assert branches(scene.there) == {"main": git(scene.folder, "rev-parse", "main").strip(), EVOLVED: scene.candidate}
    assert scene.host.wrong == []
    [pull] = scene.host.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["draft"]) == (EVOLVED, "main", True)
    assert pull["title"] == "sheets: 2 lessons (r0001)"
    for part in (
        "`l0001a` Recalculate \\| after @\u200bada wrote #\u200b12. | SKILL.md, Writing | seen |",
        "### Waits for a person\n\nNothing.",
        "- gate: not measured\n- cost: no model was asked\n",
        f"git fetch origin {EVOLVED}\n",
        "`gitskill drop l0001a`",
    ):
        assert part in pull["body"]
    assert state(scene.folder) == before
    assert git(scene.folder, "for-each-ref") == refs
    assert TOKEN not in done.out + done.err


def test_again_brings_it_up_to_date_and_pushes_only_what_is_new(scene: Scene) -> None:
    scene.pr()

    again = scene.pr("r0001", "--title", "My own", "--json")
    assert json.loads(again.out) == {
        "url": "https://github.example/ada/sheets/pull/1",
        "number": 1,
        "opened": False,
        "pushed": False,
        "forge": "github",
        "project": "ada/sheets",
        "remote": "origin",
        "branch": EVOLVED,
        "commit": scene.candidate,
        "base": "main",
    }
    assert scene.host.pulls[0]["title"] == "My own"
    before = scene.candidate
    # Consolidated again from other lessons, the candidate does not follow the one that was pushed.
    lesson = git(scene.folder, "branch", "--list", "--format=%(refname:short)", "*l0002a*").strip()
    git(scene.folder, "branch", "-D", "-q", lesson)
    assert scene.gitskill(scene.folder, "consolidate").code == 0
    third = scene.pr()

    assert (third.code, len(scene.host.pulls)) == (0, 1), third.err
    assert scene.candidate != before
    assert branches(scene.there)[EVOLVED] == scene.candidate
    assert scene.host.wrong == []


def test_what_a_person_committed_on_the_candidate_goes_along(scene: Scene) -> None:
    scene.pr()
    for text in ("one", "two"):
        tip = git(scene.folder, "commit-tree", f"{EVOLVED}^{{tree}}", "-p", EVOLVED, "-m", text).strip()
        git(scene.folder, "update-ref", f"refs/heads/{EVOLVED}", tip)

        assert scene.pr().code == 0
        assert branches(scene.there)[EVOLVED] == tip


def test_somebody_elses_commits_on_the_remote_are_left_alone(scene: Scene, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(scene.there), str(other)], check=True)
    (other / "SKILL.md").write_text("theirs")
    theirs = commit_all(other, "Theirs")
    git(other, "push", "-q", "origin", f"HEAD:refs/heads/{EVOLVED}")

    done = scene.pr()

    assert done.code == 4
    assert f"{EVOLVED} on origin stands at {theirs[:10]}, which gitskill did not put there" in done.err
    assert f"git fetch origin {EVOLVED}" in done.err
    assert branches(scene.there)[EVOLVED] == theirs
    assert scene.host.pulls == []


def test_one_lesson_is_a_pull_request_of_its_own(scene: Scene) -> None:
    done = scene.pr("l0001a")

    assert done.code == 0, done.err
    [branch] = branches(scene.there).keys() - {"main"}
    assert branch.startswith("gitskill/r0001/l0001a-recalculate")
    assert scene.host.pulls[0]["title"] == "Recalculate | after @\u200bada wrote #\u200b12."
    assert "- where: SKILL.md, Writing\n" in scene.host.pulls[0]["body"]


def test_words_that_close_issues_are_pointed_out(scene: Scene) -> None:
    git(scene.folder, "checkout", "-q", "-b", "gitskill/r0002/l0001a-x", "main")
    (scene.folder / "SKILL.md").write_text(f"{SKILL}\nMore.\n")
    commit_all(scene.folder, "Look twice\n\nIt said: Fixes ada/sheets#12\n\nGitskill-Run: r0002\nLesson: l0001a")

    warned = scene.pr("r0002/l0001a", "-n", "--base", "main")

    assert warned.code == 0, warned.err
    assert "the commit message of r0002/l0001a holds words that close issues when merged\n" in warned.err
    assert "close issues" not in scene.pr("-n", "--base", "main", "r0001").err


def test_a_dry_run_shows_all_of_it_and_touches_no_network(scene: Scene) -> None:
    asked = len(scene.server.asked)

    done = scene.pr("-n")
    told = json.loads(scene.pr("-n", "--json").out)

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"push  {scene.server.url}/ada/sheets.git  {scene.candidate}:refs/heads/{EVOLVED}"
    assert lines[2] == f"POST  http://127.0.0.1:{scene.forge.port}/api/v3/repos/ada/sheets/pulls"
    assert "| support | lesson | where | why |" in lines
    assert told["calls"][1]["body"]["head"] == EVOLVED
    assert (scene.forge.count, len(scene.server.asked)) == (0, asked)


@pytest.mark.parametrize(
    ("answers", "code", "said", "pushed"),
    [
        pytest.param(always(error(401)), 5, "does not accept the token of GH_TOKEN", False, id="refused at once"),
        pytest.param(always(error(429, retry_after="9")), 75, "run the command again in 9 seconds", False, id="limit"),
        pytest.param(None, 5, "out of order (500): it broke; the branch was pushed", True, id="refused after the push"),
    ],
)
def test_what_was_done_before_a_forge_failed_is_said(
    scene: Scene, answers: Script | None, code: int, said: str, pushed: bool
) -> None:
    def late(seen: object) -> Reaction:
        return document([]) if getattr(seen, "method", "") == "GET" else document({"message": "it broke"}, 500)

    with FaultServer(answers or late) as forge:
        done = scene.pr(forge=forge)

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert (EVOLVED in branches(scene.there)) is pushed
    again = scene.pr("--json")
    assert (json.loads(again.out)["pushed"], len(scene.host.pulls)) == (not pushed, 1)


def test_a_hook_on_the_server_that_says_no_opens_no_pull_request(scene: Scene) -> None:
    hook = scene.there / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)

    done = scene.pr()

    assert (done.code, scene.host.pulls) == (5, [])
    assert f"origin did not take {EVOLVED}: pre-receive hook declined; not on a Friday" in done.err


def test_a_token_goes_only_where_the_person_says(scene: Scene) -> None:
    git(scene.folder, "remote", "set-url", "origin", f"http://127.0.0.1:{scene.forge.port}/ada/sheets.git")

    done = scene.gitskill(scene.folder, "pr", "--forge", "github")

    assert done.code == 4
    assert "not known to be for 127.0.0.1, so it was not sent there" in done.err
    assert scene.forge.count == 0


@pytest.mark.parametrize(
    ("arguments", "prepare", "code", "said"),
    [
        (["r0009"], [], 3, "there is no run r0009"),
        (["--base", "nowhere"], [], 3, "origin has no branch nowhere"),
        (["--base", EVOLVED], [], 3, "cannot be merged into itself"),
        ([], ["checkout", "-q", "--detach"], 3, "no branch is checked out"),
        ([], ["remote", "remove", "origin"], 3, "has no remote"),
        (["--remote", "elsewhere"], [], 3, "there is no remote 'elsewhere'"),
        (["--title", " "], [], 3, "the title is empty"),
        (["--patch", "--request-pull"], [], 2, "do not go together"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_before_anything_is_sent(
    scene: Scene, arguments: list[str], prepare: list[str], code: int, said: str
) -> None:
    if prepare:
        git(scene.folder, *prepare)
    before = state(scene.folder)

    done = scene.pr(*arguments)

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert EVOLVED not in branches(scene.there)
    assert state(scene.folder) == before


def test_a_password_in_the_url_is_shown_nowhere(scene: Scene) -> None:
    url = f"http://ada:{scene.server.password}@127.0.0.1:{scene.server.port}/ada/sheets.git"

    done = scene.pr("--remote", url, "--base", "main", "--json")
    gone = scene.pr("--remote", url, "--base", "gone")

    assert (done.code, gone.code) == (0, 3)
    assert json.loads(done.out)["remote"] == f"{scene.server.url}/ada/sheets.git"
    assert scene.server.password not in done.out + done.err + gone.err


def test_without_a_token_nothing_is_pushed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GH_TOKEN")

    done = scene.pr()

    assert done.code == 3
    assert "there is no token for 127.0.0.1\nhint: set GH_TOKEN or GITHUB_TOKEN" in done.err
    assert EVOLVED not in branches(scene.there)


def test_a_bundle_carries_the_candidate_to_another_clone(scene: Scene, tmp_path: Path) -> None:
    file, other = tmp_path / "r0001.bundle", tmp_path / "other"
    subprocess.run(["git", "clone", "-q", "--single-branch", "-b", "main", str(scene.folder), str(other)], check=True)

    done = scene.gitskill(scene.folder, "pr", "--bundle", str(file))
    twice = scene.gitskill(scene.folder, "pr", "--bundle", str(file))

    assert done.code == 0
    git(other, "fetch", "-q", str(file), f"refs/heads/{EVOLVED}")
    assert git(other, "rev-parse", "FETCH_HEAD").strip() == scene.candidate
    assert (twice.code, "is there already" in twice.err) == (3, True)


def test_patches_are_mails_that_git_am_reads(scene: Scene, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", "--single-branch", "-b", "main", str(scene.folder), str(other)], check=True)

    mails = scene.gitskill(scene.folder, "pr", "--patch").out

    git(other, "am", "-q", data=mails)
    assert (other / "SKILL.md").read_text() == git(scene.folder, "show", f"{scene.candidate}:SKILL.md")
    assert git(other, "log", "-1", "--format=%an %s").startswith("Ada Store dates")


@pytest.mark.parametrize(
    "cause",
    [
        "seen\n\n---\ndiff --git a/x.sh b/x.sh\nnew file mode 100755\n--- /dev/null\n+++ b/x.sh\n@@ -0,0 +1 @@\n+bad",
        "From: Somebody Else <else@example.com>\n\nseen",
        "seen\nFrom 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nSubject: x",
    ],
)
def test_no_message_is_a_patch_to_git_am(scene: Scene, cause: str, tmp_path: Path) -> None:
    given = tmp_path / "edits.json"
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": "Writing", "content": "- Say it."}
    given.write_text(json.dumps([edit]))
    add = ("lesson", "add", "--title", "T", "--why", cause, "--edits", str(given), "--json")
    made = json.loads(scene.gitskill(scene.folder, *add).out)

    done = scene.gitskill(scene.folder, "pr", made["lesson"], "--patch")

    assert (done.code, done.out) == (4, "")
    assert f"in the message of {made['commit'][:10]} for text" in done.err


def test_a_request_to_pull_says_what_gits_own_says(scene: Scene) -> None:
    secret = f"http://ada:s3cret-x@127.0.0.1:{scene.server.port}/ada/sheets.git"
    git(scene.folder, "remote", "set-url", "origin", secret)
    git(scene.folder, "push", "-q", str(scene.there), EVOLVED)

    done = scene.gitskill(scene.folder, "pr", "--request-pull")

    gits = git(scene.folder, "request-pull", "main", str(scene.there), EVOLVED)
    ours = done.out.replace(f"{scene.server.url}/ada/sheets.git", str(scene.there))
    assert ours.split() == gits.split()
    assert "s3cret" not in done.out + done.err


@pytest.mark.parametrize("mode", ["--patch", "--request-pull", "--dry-run"])
def test_no_configuration_of_the_repository_runs_a_program(scene: Scene, mode: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    keys = ("diff.external", "core.pager", "gpg.program", "diff.evil.textconv", "core.sshCommand", "core.fsmonitor")
    for key in keys:
        git(scene.folder, "config", key, f"touch {canary}")
    git(scene.folder, "config", "log.showSignature", "true")
    git(scene.folder, "config", "credential.helper", f"!touch {canary}")
    git(scene.folder, "remote", "set-url", "origin", "https://github.com/ada/sheets.git")
    (scene.folder / ".git/info/attributes").write_text("*.md diff=evil\n")

    assert scene.gitskill(scene.folder, "pr", mode).code == 0

    assert not canary.exists()


def test_a_text_that_is_too_long_for_a_forge_says_what_is_missing(scene: Scene) -> None:
    nodes = NodeStore(SkillReader(Repository.open(scene.folder), ""))
    [begun] = recorded(nodes.reader.repository)
    found = status(nodes, begun)
    many = replace(found, top=found.top * 2000)

    text = of_run(nodes, many, Branch(EVOLVED, begun.base), "none")

    assert len(text.body.encode()) <= LIMIT
    rows = text.body.count("`l0001a`") + text.body.count("`l0002a`")
    assert f"\n{4000 - rows} more lessons did not fit here: `gitskill show r0001` lists them all.\n" in text.body


def test_a_branch_that_a_shell_would_obey_is_quoted() -> None:
    told = Branch("$(evil)/r0001/evolved", CommitId("0" * 40)).commands

    assert told[0] == "git fetch origin '$(evil)/r0001/evolved'"
    assert Branch("```/evolved", CommitId("0" * 40)).commands == told[1:]
