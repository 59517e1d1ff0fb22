"""Speaking with remotes: real ones, over HTTP with a password and in folders, and what the repository may say of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import commit_all, git, state
from fault_server import FaultServer, always, hang
from git_server import GitServer
from gitskill.errors import GitRefused, GitskillError, InvalidInput, NeedsPerson, NotFound
from gitskill.store import remote
from gitskill.store.git import Manners, converse
from gitskill.store.repository import Repository
from gitskill.store.scratch import REMOTE, scratch


@pytest.fixture
def there(folder: Path, tmp_path: Path) -> Path:
    """Make an empty remote in a folder, called origin."""
    place = tmp_path / "served" / "sheets.git"
    git(folder, "init", "-q", "--bare", "-b", "main", str(place))
    git(folder, "remote", "add", "origin", str(place))
    return place


@pytest.fixture
def server(there: Path) -> Iterator[GitServer]:
    git(there, "config", "http.receivepack", "true")
    with GitServer(there.parent) as running:
        yield running


@pytest.fixture
def online(folder: Path, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitServer:
    """Reach the remote over HTTP, with the password in the person's own credential helper."""
    git(folder, "remote", "set-url", "origin", f"{server.url}/sheets.git")
    own = tmp_path / "own.config"
    own.write_text(
        f'[credential]\n\thelper = "!f() {{ echo username={server.user}; echo password={server.password}; }}; f"\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    return server


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD").strip()


def main_of(folder: Path) -> list[str]:
    return [f"{head(folder)}:refs/heads/main"]


def test_a_ref_is_sent_and_another_clone_brings_it_here(folder: Path, online: GitServer, tmp_path: Path) -> None:
    before = state(folder)
    sent = remote.push(Repository.open(folder), "origin", main_of(folder))
    assert [(each.ref, each.state) for each in sent.refs] == [("refs/heads/main", "new")]
    git(folder, "init", "-q", "-b", "main", str(tmp_path / "other"))
    other = Repository.open(tmp_path / "other")

    shown = remote.advertised(other, f"{online.url}/sheets.git")
    brought = remote.fetch(other, f"{online.url}/sheets.git", ["refs/heads/*:refs/kept/*"])

    assert (shown.head, shown.refs) == ("refs/heads/main", {"refs/heads/main": head(folder)})
    assert brought == {"refs/kept/main": head(folder)}
    assert git(tmp_path / "other", "cat-file", "-t", head(folder)) == "commit\n"
    assert git(tmp_path / "other", "for-each-ref") == ""
    assert state(folder) == before
    assert list((folder / ".git/gitskill").iterdir()) == []
    assert git(folder, "for-each-ref", "refs/remotes") == ""


def test_only_the_persons_own_configuration_has_a_say(folder: Path, online: GitServer, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    run = f"touch {canary}"
    for key in ("core.sshCommand", "core.askPass", "core.gitProxy", "core.alternateRefsCommand", "gpg.program"):
        git(folder, "config", key, run)
    git(folder, "config", "credential.helper", f"!{run}")
    git(folder, "config", "remote.origin.receivepack", run)
    git(folder, "config", "remote.origin.uploadpack", run)
    git(folder, "config", "push.gpgSign", "true")
    git(folder, "config", "http.proxy", "http://127.0.0.1:1")
    git(folder, "config", f"url.{tmp_path}/evil.insteadOf", online.url)
    for name in ("pre-push", "reference-transaction", "post-index-change"):
        hook = folder / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\n{run}\n")
        hook.chmod(0o755)

    found = Repository.open(folder)
    remote.push(found, "origin", main_of(folder))
    remote.fetch(found, "origin", ["refs/heads/main:refs/kept/main"])

    assert not canary.exists()
    assert remote.url_of(found, "origin").url == f"{online.url}/sheets.git"


def test_a_wrong_password_is_one_line_without_the_password(folder: Path, online: GitServer) -> None:
    git(folder, "remote", "set-url", "origin", f"http://ada:wr0ng-pass@127.0.0.1:{online.port}/sheets.git")

    with pytest.raises(GitRefused, match="Authentication failed") as caught:
        remote.push(Repository.open(folder), "origin", main_of(folder))

    assert "wr0ng" not in str(caught.value) + caught.value.hint
    assert "gh auth setup-git" in caught.value.hint
    assert online.asked == []


@pytest.mark.usefixtures("online")
def test_a_hook_that_says_no_is_quoted(folder: Path, there: Path) -> None:
    hook = there / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)

    done = remote.push(Repository.open(folder), "origin", main_of(folder))

    assert [(each.ref, each.reason) for each in done.refused] == [("refs/heads/main", "pre-receive hook declined")]
    assert done.said == ("not on a Friday",)
    assert git(there, "for-each-ref") == ""


def test_a_ref_moves_back_only_from_where_the_lease_says(folder: Path, there: Path) -> None:
    found, old = Repository.open(folder), head(folder)
    remote.push(found, "origin", main_of(folder))
    (folder / "SKILL.md").write_text("other")
    commit_all(folder, "Other")
    remote.push(found, "origin", main_of(folder))
    back = [f"{old}:refs/heads/main"]

    assert remote.push(found, "origin", back).refused
    assert remote.push(found, "origin", back, leases={"refs/heads/main": old}).refused[0].reason == "stale info"
    done = remote.push(found, "origin", back, leases={"refs/heads/main": head(folder)})

    assert [each.state for each in done.refs] == ["forced"]
    assert git(there, "rev-parse", "main").strip() == old
    assert remote.push(found, "origin", back, leases={"refs/heads/new": ""}).refs[0].state == "same"


@pytest.mark.parametrize("setting", ["hooks", "config"])
def test_a_remote_in_a_folder_runs_nothing(folder: Path, there: Path, setting: str) -> None:
    """Whoever packed up a repository with its remote beside it would run programs as the person who pushes."""
    canary = there / "canary"
    place = there / "hooks" if setting == "hooks" else there / "elsewhere"
    place.mkdir(exist_ok=True)
    (place / "pre-receive").write_text(f"#!/bin/sh\ntouch {canary}\n")
    (place / "pre-receive").chmod(0o755)
    if setting == "config":
        git(there, "config", "core.hooksPath", str(place))
    found = Repository.open(folder)

    with pytest.raises(NeedsPerson, match=r"hooks \(pre-receive\)"):
        remote.push(found, "origin", main_of(folder))
    (place / "pre-receive").chmod(0o644)
    for key in ("core.alternateRefsCommand", "core.fsmonitor", "uploadpack.packObjectsHook"):
        git(there, "config", key, f"touch {canary}")
    (there / "objects/info/alternates").write_text(f"{folder}/.git/objects\n")
    remote.push(found, "origin", main_of(folder))
    remote.fetch(found, "origin", ["refs/heads/main:refs/kept/main"])

    assert not canary.exists()
    assert git(there, "rev-parse", "main").strip() == head(folder)


def test_the_persons_own_short_names_for_hosts_are_heeded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.config"
    own.write_text(
        '[url "git@github.com:"]\n\tinsteadOf = gh:\n[url "https://push.example.org/"]\n\tpushInsteadOf = x:\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    git(folder, "remote", "add", "origin", "gh:ada/sheets.git")
    found = Repository.open(folder)

    assert remote.url_of(found, "origin").shown == "ssh://github.com/ada/sheets.git"
    assert remote.url_of(found, "x:ada/sheets", push=True).shown == "https://push.example.org/ada/sheets"


def test_the_branchs_own_remote_is_the_default_then_origin_then_the_only_one(folder: Path, there: Path) -> None:
    found = Repository.open(folder)
    git(folder, "remote", "rename", "origin", "backup")
    assert remote.default(found) == "backup"
    git(folder, "remote", "add", "origin", str(there))
    assert remote.default(found) == "origin"
    git(folder, "config", "branch.main.remote", "backup")
    assert remote.default(found) == "backup"
    git(folder, "checkout", "-q", "--detach")
    assert remote.default(found) == "origin"
    git(folder, "remote", "remove", "origin")
    git(folder, "remote", "add", "third", str(there))
    with pytest.raises(InvalidInput, match="2 remotes"):
        remote.default(found)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("ext::sh -c 'touch {canary}'", InvalidInput),
        ("nowhere", NotFound),
        (".", InvalidInput),
        ("references", NotFound),
        ("ssh://-oProxyCommand=touch%20{canary}/x", InvalidInput),
    ],
)
def test_a_remote_that_is_none_is_refused(folder: Path, tmp_path: Path, url: str, kind: type[GitskillError]) -> None:
    canary = tmp_path / "canary"
    (folder / "references").mkdir()
    git(folder, "remote", "add", "origin", url.format(canary=canary))

    with pytest.raises(kind):
        remote.push(Repository.open(folder), "origin", main_of(folder))

    assert not canary.exists()
    assert list((folder / ".git").glob("gitskill/*")) == []


@pytest.mark.parametrize("refspec", ["main", "+main:main", "--mirror", "main:--x", "a b:c", "refs/heads/main:"])
def test_only_a_refspec_that_names_both_ends_is_sent(folder: Path, there: Path, refspec: str) -> None:
    with pytest.raises(InvalidInput):
        remote.push(Repository.open(folder), "origin", [refspec])

    assert git(there, "for-each-ref") == ""


def test_a_server_that_is_gone_is_told_with_what_to_try(folder: Path, tmp_path: Path) -> None:
    with GitServer(tmp_path) as server:
        gone = f"{server.url}/sheets.git"

    with pytest.raises(GitRefused, match="unable to access") as caught:
        remote.advertised(Repository.open(folder), gone)

    assert caught.value.hint == f"try it by itself: git ls-remote {gone}"


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the person's own ssh in place: it runs here what it is to run at the other end."""
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nfor last; do :; done\nexec sh -c "$last"\n')
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    return program


@pytest.mark.usefixtures("ssh")
def test_the_persons_own_ssh_is_used(folder: Path, there: Path, tmp_path: Path) -> None:
    git(folder, "remote", "set-url", "origin", f"git@git.example.org:{there}")

    done = remote.push(Repository.open(folder), "origin", main_of(folder))

    assert [each.state for each in done.refs] == ["new"]
    assert (tmp_path / "asked").read_text().startswith("git@git.example.org git-receive-pack ")


def test_what_ssh_says_is_passed_on_with_what_to_try(folder: Path, ssh: Path) -> None:
    ssh.write_text(
        "#!/bin/sh\necho 'Warning: added it' >&2\necho 'a@b: Permission denied (publickey).' >&2\nexit 255\n"
    )

    with pytest.raises(GitRefused, match=r"ssh://git\.example\.org/x: a@b: Permission denied") as caught:
        remote.advertised(Repository.open(folder), "git@git.example.org:x")

    assert caught.value.hint == "try ssh by itself: ssh -T git@git.example.org"


def test_without_a_terminal_nobody_is_asked_for_a_password(folder: Path, server: GitServer) -> None:
    with pytest.raises(GitRefused, match="terminal prompts disabled") as caught:
        remote.advertised(Repository.open(folder), f"{server.url}/sheets.git")

    assert "no credentials for it in your own configuration" in caught.value.hint


@pytest.mark.usefixtures("there")
def test_what_git_hands_to_its_hooks_does_not_lead_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands, found = main_of(folder), Repository.open(folder)
    for name in ("GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_NAMESPACE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))

    assert [each.state for each in remote.push(found, "origin", commands).refs] == ["new"]


def test_a_clone_without_the_whole_history_can_push(folder: Path, there: Path, tmp_path: Path) -> None:
    (folder / "SKILL.md").write_text("second")
    commit_all(folder, "Second")
    remote.push(Repository.open(folder), "origin", main_of(folder))
    other = tmp_path / "other"
    git(folder, "clone", "-q", "--depth=1", f"file://{folder}", str(other))
    (other / "SKILL.md").write_text("third")
    commit_all(other, "Third")

    done = remote.push(Repository.open(other), str(there), main_of(other))

    assert [each.state for each in done.refs] == ["moved"]
    assert git(there, "rev-list", "--count", "main").strip() == "3"


def test_where_it_is_pushed_to_is_asked_where_that_differs(folder: Path, there: Path) -> None:
    git(folder, "remote", "set-url", "origin", "https://127.0.0.1:1/sheets.git")
    git(folder, "remote", "set-url", "--push", "origin", str(there))
    found = Repository.open(folder)
    remote.push(found, "origin", main_of(folder))

    assert remote.advertised(found, "origin", push=True).refs == {"refs/heads/main": head(folder)}
    assert remote.url_of(found, "origin").shown == "https://127.0.0.1:1/sheets.git"


def test_a_remote_that_talks_without_end_is_cut_off(folder: Path, ssh: Path) -> None:
    ssh.write_text("#!/bin/sh\nexec yes >&2\n")

    with pytest.raises(GitRefused, match="says more than gitskill reads"):
        remote.advertised(Repository.open(folder), "git@git.example.org:x")


@pytest.mark.usefixtures("there")
def test_what_a_killed_gitskill_left_is_swept(folder: Path) -> None:
    old, young = (folder / ".git/gitskill" / f"scratch-{age}" for age in ("old", "young"))
    for each in (old, young):
        (each / "refs").mkdir(parents=True)
    os.utime(old, (0, 0))

    remote.advertised(Repository.open(folder), "origin")

    assert (old.exists(), young.exists()) == (False, True)


def test_a_server_that_says_nothing_is_left_in_time(folder: Path, repository: Repository) -> None:
    with FaultServer(always(hang())) as server, scratch(repository, f"http://127.0.0.1:{server.port}/x.git") as place:
        with pytest.raises(GitRefused, match="did not answer in time"):
            converse(place, Manners("http", seconds=0.3), "ls-remote", REMOTE)

        assert server.count == 1
    assert list((folder / ".git/gitskill").iterdir()) == []
