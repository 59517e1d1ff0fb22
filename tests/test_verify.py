"""gitskill verify, and signed tags: what is wrong with a version is named, and the repository has no say in it."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, needed
from releasing import add_bullet, call, packed, started, whole, with_candidate

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with v1.0.0, v1.1.0 and a candidate."""
    folder = with_candidate(tmp_path_factory.mktemp("made") / "sheets")
    call(folder, "release", "r0001")
    add_bullet(folder, "Reading", "Read twice")
    call(folder, "consolidate", "r0002", "--min-support", "1")
    return packed(folder)


@pytest.fixture
def released(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "sheets"))


def told(done: Done) -> tuple[str, list[str]]:
    found = json.loads(done.out)
    return found["verdict"], found["problems"]


def test_a_version_without_a_signature_is_no_failure_unless_one_is_required(released: Path, gitskill: Run) -> None:
    before = whole(released)

    assert gitskill(released, "verify", "v1.1.0") == Done(0, "v1.1.0  unsigned  no signature\n", "")
    assert gitskill(released, "verify", "v1.1.0", "--require-signature").code == 3
    assert told(gitskill(released, "verify", "v1.1.0", "--json")) == ("unsigned", [])
    assert [each["tag"] for each in json.loads(gitskill(released, "verify", "--all", "--json").out)] == [
        "v1.1.0",
        "v1.0.0",
    ]
    assert whole(released) == before


def test_one_version_or_all_must_be_named(released: Path, gitskill: Run) -> None:
    assert gitskill(released, "verify").code == 2
    assert gitskill(released, "verify", "v1.0.0", "--all").code == 2
    assert gitskill(released, "verify", "v9.0.0").code == 3
    assert gitskill(released, "verify", "main").err.startswith("gitskill: main is no version of this skill\n")


def test_a_tag_of_before_records_has_none_and_is_not_broken(folder: Path, gitskill: Run) -> None:
    git(folder, "tag", "-a", "v1.0.0", "-m", "Base")
    git(folder, "tag", "v1.1.0")

    done = gitskill(folder, "verify", "--all")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "v1.1.0  unsigned  no record and no signature: it is no annotated tag",
        "v1.0.0  unsigned  no record",
        "                  no signature",
    ]


def recreate(folder: Path, tag: str, message: str, commit: str) -> None:
    git(folder, "tag", "-f", "-a", tag, "--cleanup=verbatim", "-m", message, commit)


def text(folder: Path, tag: str) -> str:
    return git(folder, "cat-file", "tag", tag).partition("\n\n")[2]


def moved(folder: Path) -> str:
    recreate(folder, "v1.1.0", text(folder, "v1.1.0"), "v1.0.0^{}")
    return "v1.1.0"


def recreated(folder: Path) -> str:
    git(folder, "tag", "-d", "v1.1.0")
    git(folder, "tag", "-a", "v1.1.0", "-m", "Mine now", "main")
    return "v1.1.0"


def deleted(folder: Path) -> str:
    git(folder, "tag", "-d", "v1.1.0")
    return "v1.1.0"


def presented_as_newer(folder: Path) -> str:
    git(folder, "update-ref", "refs/tags/v1.5.0", "refs/tags/v1.0.0")
    return "v1.5.0"


def older_as_newest(folder: Path) -> str:
    git(folder, "tag", "-d", "v1.1.0")
    return "v1.0.0"


def with_the_record_of_another_tag(folder: Path) -> str:
    recreate(folder, "v1.5.0", text(folder, "v1.1.0"), "main")
    return "v1.5.0"


def with_the_record_of_another_skill(folder: Path) -> str:
    record = text(folder, "v1.1.0").replace('skill: ""', 'skill: "slides"').replace("v1.1.0", "v1.5.0")
    recreate(folder, "v1.5.0", record, "main")
    return "v1.5.0"


def with_the_record_of_another_commit(folder: Path) -> str:
    git(folder, "commit", "-q", "--allow-empty", "-m", "Mine")
    recreate(folder, "v1.5.0", text(folder, "v1.1.0").replace("v1.1.0", "v1.5.0"), "main")
    return "v1.5.0"


def with_another_text(folder: Path) -> str:
    old = git(folder, "rev-parse", "main").strip()
    (folder / "SKILL.md").write_text(SKILL + "\nOther.\n")
    new = commit_all(folder, "Mine")
    recreate(folder, "v1.5.0", text(folder, "v1.1.0").replace("v1.1.0", "v1.5.0").replace(old, new), "main")
    return "v1.5.0"


def with_another_past(folder: Path) -> str:
    recreate(folder, "v1.0.0", text(folder, "v1.0.0") + "more: 1\n", "v1.0.0^{}")
    return "v1.1.0"


def with_no_past(folder: Path) -> str:
    lines = text(folder, "v1.1.0").replace("v1.1.0", "v1.5.0").splitlines()
    kept = [f"{line.partition(':')[0]}: null" if line.startswith("previous") else line for line in lines]
    recreate(folder, "v1.5.0", "\n".join(kept) + "\n", "main")
    return "v1.5.0"


def that_cannot_be_read(folder: Path) -> str:
    recreate(folder, "v1.5.0", "Release\n\ngitskill: 1\nversion: &a [*a]\n", "main")
    return "v1.5.0"


def with_hidden_text(folder: Path) -> str:
    (folder / "SKILL.md").write_text(SKILL.replace("Edit", "Edit\u202e"))
    commit_all(folder, "Mine")
    git(folder, "tag", "-a", "v1.5.0", "-m", "x")
    return "v1.5.0"


@pytest.mark.parametrize(
    ("attack", "problem"),
    [
        (moved, "moved tag: this clone has seen it on "),
        (recreated, "recreated tag: this clone has seen "),
        (deleted, "deleted tag: v1.1.0 was here as "),
        (presented_as_newer, "record from elsewhere: it is the tag v1.0.0 under another name"),
        (older_as_newest, "older version: it is the newest here, and this clone has seen v1.1.0"),
        (with_the_record_of_another_tag, "record from elsewhere: it is that of v1.1.0"),
        (with_the_record_of_another_skill, "record from elsewhere: it is that of the skill in slides"),
        (with_the_record_of_another_commit, "record from elsewhere: it is that of commit "),
        (with_another_text, "the skill is not the one in the record: tree "),
        (with_another_past, "broken chain: v1.0.0 is not the one that its record names"),
        (with_no_past, "broken chain: its record names no version before it, and v1.1.0 is in its history"),
        (that_cannot_be_read, "damaged record: "),
        (with_hidden_text, "hidden: SKILL.md: "),
    ],
)
def test_each_attack_is_named(attack: Callable[[Path], str], problem: str, released: Path, gitskill: Run) -> None:
    tag = attack(released)

    done = gitskill(released, "verify", tag, "--json")

    assert done.code == 3
    verdict, problems = told(done)
    assert verdict == "broken"
    assert [each for each in problems if each.startswith(problem)], problems


def test_a_fresh_clone_verifies_what_it_can_and_remembers_it(released: Path, tmp_path: Path, gitskill: Run) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(released), "clone")
    first = gitskill(clone, "verify", "--all")
    git(clone, "tag", "-f", "-a", "v1.1.0", "-m", "Other", "v1.0.0^{}")

    assert first.code == 0, first.out
    assert "moved tag" in gitskill(clone, "verify", "v1.1.0").out
    assert gitskill(clone, "verify", "--all").code == 3


def test_a_clone_without_the_version_before_says_so(released: Path, tmp_path: Path, gitskill: Run) -> None:
    git(tmp_path, "clone", "-q", str(released), "clone")
    git(tmp_path / "clone", "tag", "-d", "v1.0.0")

    done = gitskill(tmp_path / "clone", "verify", "v1.1.0")

    assert done.code == 0
    assert "the version before it, v1.0.0, is not here" in done.out


def test_a_version_that_was_taken_back_is_not_missed(released: Path, gitskill: Run) -> None:
    gitskill(released, "release")
    gitskill(released, "verify", "--all")

    assert gitskill(released, "undo").code == 0
    assert gitskill(released, "verify", "--all").code == 0


class Keys:
    """A person's own git configuration, with a key to sign with."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.file = place / "gitconfig"
        place.mkdir(mode=0o700)

    def set(self, key: str, value: str) -> None:
        git(self.place, "config", "--file", str(self.file), key, value)

    def new_ssh_key(self, name: str) -> str:
        subprocess.run(
            [needed("ssh-keygen", "signed tags"), "-q", "-t", "ed25519", "-N", "", "-f", str(self.place / name)],
            check=True,
        )
        return (self.place / f"{name}.pub").read_text()

    def allow(self, who: str, key: str) -> None:
        (self.place / "allowed").write_text(f"{who} {key}")
        self.set("gpg.ssh.allowedSignersFile", str(self.place / "allowed"))


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    found = Keys(tmp_path / "keys")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(found.file))
    return found


@pytest.fixture
def ssh(keys: Keys) -> Keys:
    key = keys.new_ssh_key("mine")
    keys.set("gpg.format", "ssh")
    keys.set("user.signingKey", str(keys.place / "mine.pub"))
    keys.allow("ada@example.com", key)
    return keys


def test_a_tag_signed_with_ssh_is_good_for_git_and_for_us(released: Path, ssh: Keys, gitskill: Run) -> None:
    done = gitskill(released, "release", "--sign")

    assert done.code == 0, done.err
    git(released, "verify-tag", "v1.2.0")
    assert gitskill(released, "verify", "v1.2.0", "--require-signature").out == (
        "v1.2.0  ok  signed by ada@example.com\n"
    )
    assert gitskill(released, "log").out.splitlines()[0].endswith("  signed")
    assert gitskill(released, "rollback", "v1.1.0").code == 0
    assert "v1.2.0 before it was signed" in gitskill(released, "verify", "v1.3.0").out
    ssh.allow("eve@example.com", ssh.new_ssh_key("other"))
    assert told(gitskill(released, "verify", "v1.2.0", "--json")) == (
        "broken",
        [each for each in told(gitskill(released, "verify", "v1.2.0", "--json"))[1] if "wrong signer" in each],
    )
    git(ssh.place, "config", "--file", str(ssh.file), "--unset", "gpg.ssh.allowedSignersFile")
    unknown = gitskill(released, "verify", "v1.2.0")
    assert unknown.out.startswith("v1.2.0  unsigned  signed with key SHA256:")


def test_a_key_in_an_agent_is_named_by_its_public_half_and_text_that_was_changed_is_found(
    released: Path, ssh: Keys, gitskill: Run
) -> None:
    gitskill(released, "rollback", "v1.0.0", "--sign")
    forged = git(released, "cat-file", "tag", "v1.2.0").replace("rollback to v1.0.0", "rollback to v1.1.0")
    oid = git(released, "hash-object", "-t", "tag", "-w", "--stdin", data=forged).strip()
    git(released, "update-ref", "refs/tags/v1.2.0", oid)
    ssh.set("user.signingKey", (ssh.place / "mine.pub").read_text().strip())

    found = told(gitskill(released, "verify", "v1.2.0", "--json"))
    done = gitskill(released, "release", "--sign")

    assert found[0] == "broken"
    assert "its signature does not fit what it says" in found[1]
    assert done.code == 5  # no agent holds the key here
    assert "did not sign" in done.err


@pytest.fixture
def gpg(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    """Make a key with gpg, whose agent ends with the test."""
    program = needed("gpg", "tags signed with gpg")
    monkeypatch.setenv("GNUPGHOME", str(keys.place))
    made = ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "Ada <ada@example.com>", "ed25519"]
    subprocess.run([program, *made, "sign"], check=True, capture_output=True)
    yield keys
    agent = ["gpgconf", "--homedir", str(keys.place), "--kill", "all"]
    subprocess.run(agent, check=True, capture_output=True)


def test_a_tag_signed_with_gpg_is_good_for_git_and_for_us(
    released: Path, gpg: Keys, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = gitskill(released, "release", "--sign")

    assert done.code == 0, done.err
    git(released, "verify-tag", "v1.2.0")
    assert gitskill(released, "verify", "v1.2.0").out == "v1.2.0  ok  signed by Ada <ada@example.com>\n"
    (gpg.place / "empty").mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(gpg.place / "empty"))
    assert gitskill(released, "verify", "v1.2.0").out.startswith("v1.2.0  unsigned  signed with key ")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"gpg.format": "ssh"}, (3, "user.signingKey is not set in your own git configuration")),
        ({"gpg.format": "ssh", "user.signingKey": "/nowhere/key"}, (5, "ssh-keygen did not sign: ")),
        (
            {"gpg.format": "ssh", "user.signingKey": "k", "gpg.ssh.program": "false"},
            (5, "false did not sign: exit code"),
        ),
        ({"gpg.program": "true"}, (5, "true did not sign: exit code 0")),
        ({"gpg.program": "/nowhere/gpg"}, (5, "/nowhere/gpg cannot be run: ")),
        ({"gpg.format": "smoke"}, (3, "gpg.format is 'smoke', not one of openpgp, x509, ssh")),
    ],
)
def test_where_signing_fails_nothing_is_done(
    settings: dict[str, str], told: tuple[int, str], released: Path, keys: Keys, gitskill: Run
) -> None:
    for key, value in settings.items():
        keys.set(key, value)
    before = whole(released)

    done = gitskill(released, *(["rollback", "v1.0.0"] if told[0] == 3 else ["release"]), "--sign")

    assert (done.code, done.out) == (told[0], "")
    assert done.err.startswith(f"gitskill: {told[1]}")
    assert whole(released) == before


def test_a_repositorys_configuration_names_no_program_and_no_signer(
    released: Path, ssh: Keys, gitskill: Run, tmp_path: Path
) -> None:
    trap = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\nexit 0\n")
    program.chmod(0o755)
    (tmp_path / "signers").write_text(f"eve@example.com {(ssh.place / 'mine.pub').read_text()}")
    for key in ("gpg.program", "gpg.ssh.program", "gpg.x509.program", "core.fsmonitor", "gpg.openpgp.program"):
        git(released, "config", key, str(program))
    git(released, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "signers"))

    assert gitskill(released, "release", "--sign").code == 0
    assert gitskill(released, "verify", "v1.2.0").out == "v1.2.0  ok  signed by ada@example.com\n"
    assert not trap.exists()


def test_the_environment_is_the_persons_own(
    released: Path, ssh: Keys, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {key: git(ssh.place, "config", "--file", str(ssh.file), key).strip() for key in ("user.signingKey",)}
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    given = {"gpg.format": "ssh", **values}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(given)))
    for number, (key, value) in enumerate(given.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)

    assert gitskill(released, "release", "--sign").code == 0
    assert gitskill(released, "verify", "v1.2.0").out.startswith("v1.2.0  unsigned  signed with key SHA256:")


def test_a_memory_that_cannot_be_read_is_named(released: Path, gitskill: Run) -> None:
    (released / ".git" / "gitskill").mkdir(exist_ok=True)
    (released / ".git" / "gitskill" / "seen.json").write_text("[")

    done = gitskill(released, "verify", "--all")

    assert (done.code, done.out) == (3, "")
    assert "seen.json cannot be read" in done.err


def test_a_skill_in_a_folder_is_verified_by_its_own_tags(tmp_path: Path, gitskill: Run) -> None:
    whole = tmp_path / "all"
    place = started(whole / "sheets")
    shutil.rmtree(place / ".git")
    git(whole, "init", "-q", "-b", "main")
    commit_all(whole, "All")
    call(place, "init", ".")
    git(whole, "tag", "-a", "v9.0.0", "-m", "Another matter")

    assert gitskill(place, "verify", "v1.0.0").out == "sheets/v1.0.0  unsigned  no signature\n"
    assert gitskill(place, "verify", "sheets/v1.0.0").code == 0
    assert gitskill(place, "verify", "v9.0.0").code == 3
