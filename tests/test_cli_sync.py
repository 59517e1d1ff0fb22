"""`gitskill sync`: what a team shares, what never leaves, what is hostile, and that nothing is lost."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from conftest import SKILL, WHO, Done, commit_all, git, state
from git_server import GitServer
from gitskill import codec, sync
from gitskill.cli.main import run
from gitskill.errors import GitRefused
from gitskill.store.documents import content_id, path_of, save
from gitskill.store.objects import Batch, Change
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import Move, target
from gitskill.store.rejections import REJECTED
from gitskill.store.repository import Repository
from gitskill.store.traces import ABOUT, REF, entries
from study_runs import runs

Run = Callable[..., Done]
RECORD = "refs/gitskill/runs/r0001"
REFS = ["--format=%(refname) %(objectname)"]


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a server, Ada who evolved a skill and shared the run, and Bob who has cloned the skill alone."""
    place = tmp_path_factory.mktemp("team")
    ada = place / "ada"
    ada.mkdir()
    git(place, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(ada, "init", "-q", "-b", "main")
    (ada / "SKILL.md").write_text(SKILL)
    commit_all(ada, "Base")
    git(ada, "remote", "add", "origin", "../origin.git")
    git(ada, "push", "-q", "origin", "main")
    git(place, "clone", "-q", "origin.git", "bob")
    git(place / "bob", "remote", "set-url", "origin", "../origin.git")
    folder, labels = runs(place / "runs", good=3, bad=1)
    assert run(["-C", str(ada), "traces", "add", str(folder), "--labels", str(labels)], os.environ) == 0
    assert run(["-C", str(ada), "evolve", "--offline"], os.environ) == 0
    return place


@pytest.fixture
def team(met: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(met, tmp_path / "team"))


def refs(folder: Path, *below: str) -> dict[str, str]:
    return dict(line.split() for line in git(folder, "for-each-ref", *REFS, *below).splitlines())


def told(done: Done) -> dict[str, list[tuple[str, str]]]:
    found = json.loads(done.out)
    return {name: [(each["ref"], each["what"]) for each in found[name]] for name in ("pulled", "pushed", "skipped")}


def test_a_run_and_its_traces_reach_the_others_and_nothing_else_does(team: Path, gitskill: Run) -> None:
    before, servers = state(team / "bob"), refs(team / "origin.git", "refs/heads")

    sent = told(gitskill(team / "ada", "sync", "--traces", "--json"))
    brought = told(gitskill(team / "bob", "sync", "origin", "--traces", "--json"))

    assert sent == {"pulled": [], "pushed": [(RECORD, "sent, new"), (REF, "sent, new")], "skipped": []}
    assert brought == {"pulled": [(RECORD, "brought, new"), (REF, "joined")], "pushed": [], "skipped": []}
    assert set(refs(team / "origin.git", "refs/gitskill")) == {RECORD, REF}
    assert refs(team / "origin.git", "refs/heads") == servers
    assert state(team / "bob") == before
    assert refs(team / "bob", RECORD, REF) == refs(team / "ada", RECORD, REF)
    assert gitskill(team / "bob", "traces", "list").out == gitskill(team / "ada", "traces", "list").out
    assert gitskill(team / "bob", "sync", "--traces") == Done(0, "", "  nothing is new, here or there\n")


def test_traces_stay_at_home_unless_they_are_asked_for(team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync")
    gitskill(team / "bob", "sync")

    assert set(refs(team / "origin.git", "refs/gitskill")) == {RECORD}
    assert gitskill(team / "bob", "traces", "list", "--json").out == "[]\n"


def test_what_was_brought_can_be_taken_back_and_stays_away_then(team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync", "--traces")
    before = refs(team / "bob")
    gitskill(team / "bob", "sync", "--traces")

    assert gitskill(team / "bob", "undo").out == "undone: sync origin\n"
    again = gitskill(team / "bob", "sync", "--traces", "--json")

    assert told(again)["pulled"] == [(RECORD, "left"), (REF, "joined")]
    assert {ref: oid for ref, oid in refs(team / "bob").items() if "oplog" not in ref and ref != REF} == before
    assert gitskill(team / "bob", "traces", "list", "--json").out == "[]\n"


def test_a_dry_run_moves_nothing_anywhere(team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync")
    before = refs(team / "bob"), refs(team / "origin.git"), refs(team / "ada")

    there = gitskill(team / "ada", "sync", "--traces", "--dry-run", "--json")
    here = gitskill(team / "bob", "sync", "--dry-run", "--json")

    assert told(there)["pushed"] == [(REF, "sent, new")]
    assert told(here)["pulled"] == [(RECORD, "brought, new")]
    assert (refs(team / "bob"), refs(team / "origin.git"), refs(team / "ada")) == before


def test_two_runs_with_one_number_are_both_kept(team: Path, gitskill: Run, tmp_path: Path) -> None:
    folder, labels = runs(tmp_path / "bobs", good=2)
    gitskill(team / "bob", "traces", "add", str(folder), "--labels", str(labels))
    gitskill(team / "bob", "evolve", "--offline")
    gitskill(team / "ada", "sync")
    hers, his = (refs(team / name, RECORD)[RECORD] for name in ("ada", "bob"))

    done = gitskill(team / "bob", "sync")
    again = gitskill(team / "bob", "sync", "--push", "--json")

    beside = "refs/gitskill/remotes/origin/runs/r0001"
    assert hers != his
    assert (done.code, again.code) == (7, 7)
    assert f"kept both  {RECORD}  r0001 is another run there: ours stays, theirs is {beside}" in done.out
    assert refs(team / "bob", RECORD, beside) == {RECORD: his, beside: hers}
    assert refs(team / "origin.git", RECORD) == {RECORD: hers}
    assert told(again)["skipped"] == [(RECORD, "kept")]
    assert gitskill(team / "bob", "status").code == 0
    [first, *_] = entries(Repository.open(team / "bob"))
    assert gitskill(team / "bob", "forget", first.short).code == 0
    assert first.trace not in git(team / "bob", "show", f"{beside}:plan.json")


def changed(folder: Path, ref: str, files: Mapping[str, Change], parents: list[str] | None = None) -> str:
    """Write another state of a ref, as anybody can."""
    repository = Repository.open(folder)
    batch = Batch(repository)
    old = target(repository, ref)
    tree = batch.edit_tree(str(repository.git[old].tree_id) if old else None, files)  # type: ignore[attr-defined]  # a commit
    message = git(folder, "log", "-1", "--format=%B", old) if old else "x"
    batch.write()
    names = [f"-p{each}" for each in (parents if parents is not None else [old] if old else [])]
    made = git(folder, "commit-tree", *names, "-m", message.strip(), tree).strip()
    git(folder, "update-ref", ref, made)
    return made


def first_state(folder: Path) -> str:
    return git(folder, "rev-list", "--max-parents=0", RECORD).strip()


def test_a_run_that_goes_on_is_brought_though_its_states_are_no_line(team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync")
    gitskill(team / "bob", "sync")
    later = changed(team / "ada", RECORD, {"aside.json": b"[]"}, [first_state(team / "ada")])

    assert told(gitskill(team / "ada", "sync", "--json"))["pushed"] == [(RECORD, "sent")]
    assert told(gitskill(team / "bob", "sync", "--json"))["pulled"] == [(RECORD, "brought")]
    assert refs(team / "bob", RECORD) == {RECORD: later}


def test_a_run_that_went_on_on_both_sides_is_kept_twice(team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync")
    gitskill(team / "bob", "sync")
    hers = changed(team / "ada", RECORD, {"one.json": b"1"}, [first_state(team / "ada")])
    his = changed(team / "bob", RECORD, {"two.json": b"2"}, [first_state(team / "bob")])
    gitskill(team / "ada", "sync")

    done = gitskill(team / "bob", "sync")

    assert (done.code, "r0001 went on in another way there" in done.out) == (7, True)
    assert refs(team / "bob", "refs/gitskill/runs", "refs/gitskill/remotes") == {
        RECORD: his,
        "refs/gitskill/remotes/origin/runs/r0001": hers,
    }
    assert refs(team / "origin.git", RECORD) == {RECORD: hers}


def test_traces_of_both_are_joined_and_a_persons_word_stands(team: Path, gitskill: Run, tmp_path: Path) -> None:
    folder, labels = runs(tmp_path / "bobs", good=5)  # the first three are Ada's too
    gitskill(team / "bob", "traces", "add", str(folder), "--labels", str(labels))
    gitskill(team / "ada", "sync", "--traces")
    [first, *_] = entries(Repository.open(team / "ada"))
    assert gitskill(team / "bob", "traces", "label", first.short, "failure").code == 0

    assert gitskill(team / "bob", "sync", "--traces").code == 0
    assert gitskill(team / "ada", "sync", "--traces").code == 0

    found = {entry.trace: str(entry.outcome.status) for entry in entries(Repository.open(team / "ada"))}
    assert len(found) == 6
    assert found[first.trace] == "failure"
    assert refs(team / "ada", REF) == refs(team / "bob", REF) == refs(team / "origin.git", REF)


@pytest.mark.parametrize("command", [["traces", "rm"], ["forget"]], ids=" ".join)
def test_a_trace_that_was_taken_away_does_not_come_back(command: list[str], team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync", "--traces")
    [first, *rest] = entries(Repository.open(team / "ada"))
    assert gitskill(team / "ada", *command, first.short).code == 0

    done = gitskill(team / "ada", "sync", "--traces")

    assert "1 that were taken away here stay away" in done.out
    assert [entry.trace for entry in entries(Repository.open(team / "ada"))] == [entry.trace for entry in rest]
    # The others keep it: nobody can take away what is theirs.
    assert len(entries(Repository.open(team / "origin.git"))) == len(rest) + 1
    assert gitskill(team / "bob", "sync", "--traces").code == 0
    assert len(entries(Repository.open(team / "bob"))) == len(rest) + 1


def spoilt(kind: str, data: bytes, about: dict[str, object]) -> tuple[str, bytes, dict[str, object]]:
    """Give a trace that is not what it claims to be."""
    data = data.replace(b"Tidy", kind.encode())
    if kind == "another content":
        return content_id(data), data + b" ", {**about, "trace": content_id(data)}
    if kind == "a secret":
        data = data.replace(b"up", b"Use AKIAIOSFODNN7EXAMPLA and tidy up", 1)
    elif kind == "no trace":
        data = b'{"steps": 1}\n'
    name = content_id(data)
    told_of = {**about, "trace": "0" * 64 if kind == "about another" else name}
    return name, data, {**told_of, "path": "/home/ada/x"} if kind == "a home folder" else told_of


def test_traces_that_are_not_what_they_claim_are_left_out_and_the_others_come(team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync", "--traces")
    every = entries(Repository.open(team / "origin.git"))
    read = git(team / "origin.git", "show", f"{REF}:{path_of(every[0].trace)}").encode()
    about = json.loads(git(team / "origin.git", "show", f"{REF}:{path_of(every[0].trace, ABOUT)}"))
    reasons = {
        "another content": "its content is not what its name says",
        "a secret": "it holds what looks like a secret or personal",
        "no trace": "",
        "about another": "it is about another trace",
        "a home folder": "it holds what looks like a secret or personal",
    }
    bad = {kind: spoilt(kind, read, about) for kind in reasons}
    files: dict[str, Change] = {path_of(name): data for name, data, _ in bad.values()}
    files |= {path_of(name, ABOUT): codec.canonical(said) for name, _, said in bad.values()}
    files[path_of("f" * 64, ABOUT)] = b"{}"
    changed(team / "origin.git", REF, files)

    done = gitskill(team / "bob", "sync", "--traces", "--json")

    skipped = {each["ref"]: each["detail"] for each in json.loads(done.out)["skipped"]}
    assert (done.code, len(skipped)) == (7, 6)
    assert skipped[f"{REF}:{path_of('f' * 64, ABOUT)}"] == "it is no such document"
    for kind, (name, _, _) in bad.items():
        assert reasons[kind] in skipped[f"{REF}:{name[:10]}"]
    assert {entry.trace for entry in entries(Repository.open(team / "bob"))} == {entry.trace for entry in every}
    # What was refused is not in Bob's history either.
    theirs = refs(team / "origin.git", REF)[REF]
    assert not Repository.open(team / "bob").git.descendant_of(refs(team / "bob", REF)[REF], theirs)


def test_records_that_are_none_are_left_out(team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync")
    told_of = json.loads(git(team / "origin.git", "show", f"{RECORD}:run.json"))
    bad: list[tuple[dict[str, Change], str]] = [
        ({"run.json": b"{}"}, "run.json: "),
        ({"run.json": None}, "it has no run.json"),
        ({"plan.json": b"[]"}, "is damaged"),
        ({"note.json": b'{"a": "mail ada@example.com"}'}, "note.json holds what looks like a secret or personal"),
        ({"note.json": b"{"}, "it holds what is no JSON"),
    ]
    for number, (files, _) in enumerate(bad, 2):
        ref = f"refs/gitskill/runs/r{number:04d}"
        git(team / "origin.git", "update-ref", ref, RECORD)
        changed(team / "origin.git", ref, {"run.json": json.dumps({**told_of, "id": ref[-5:]}).encode(), **files})
    git(team / "origin.git", "update-ref", "refs/gitskill/runs/r0009", "main:SKILL.md")
    git(team / "bob", "symbolic-ref", "refs/gitskill/runs/r0008", "refs/heads/main")
    git(team / "origin.git", "update-ref", "refs/gitskill/runs/r0008", RECORD)

    done = gitskill(team / "bob", "sync", "--json")

    skipped = {each["ref"]: each["detail"] for each in json.loads(done.out)["skipped"]}
    assert done.code == 7
    assert skipped.pop("refs/gitskill/runs/r0009") == "it is no commit"
    assert skipped.pop("refs/gitskill/runs/r0008").startswith("it is a symbolic ref here")
    git(team / "bob", "symbolic-ref", "-d", "refs/gitskill/runs/r0008")
    assert [why in found for (_, why), found in zip(bad, skipped.values(), strict=True)] == [True] * len(bad)
    assert set(refs(team / "bob", "refs/gitskill/runs")) == {RECORD}


def test_a_run_on_a_commit_that_is_not_here_waits_for_it(team: Path, gitskill: Run) -> None:
    (team / "ada/SKILL.md").write_text(f"{SKILL}\nMore.\n")
    commit_all(team / "ada", "More")
    assert gitskill(team / "ada", "evolve", "--offline").code == 0
    gitskill(team / "ada", "sync")

    early = gitskill(team / "bob", "sync")
    git(team / "ada", "push", "-q", "origin", "main")
    git(team / "bob", "fetch", "-q")
    late = gitskill(team / "bob", "sync")

    assert (early.code, "which is not here: git fetch first" in early.out) == (7, True)
    assert (late.code, "brought, new  refs/gitskill/runs/r0002" in late.out) == (0, True)


def test_refs_with_names_of_another_kind_are_not_even_asked_for(team: Path, gitskill: Run) -> None:
    for ref in ("refs/gitskill/oplog", "refs/gitskill/runs/x", f"{RECORD}/inner", "refs/gitskill/kept/1"):
        git(team / "origin.git", "update-ref", ref, "main")

    assert gitskill(team / "bob", "sync", "--traces") == Done(0, "", "  nothing is new, here or there\n")
    assert refs(team / "bob", "refs/gitskill") == {}


def rejection(name: str, **other: object) -> bytes:
    found = {"content": name, "lesson": "r0001/l0001a", "title": "t", "rule": "r", "reason": "no", "who": "Ada"}
    return codec.canonical({**found, "when": 1, **other})


def test_what_people_turned_down_is_joined(team: Path, gitskill: Run) -> None:
    for name, mine in (("ada", "a" * 64), ("bob", "b" * 64)):
        repository = Repository.open(team / name)
        batch = Batch(repository)
        move = save(batch, repository, REJECTED, {path_of(mine): rejection(mine)}, WHO, "Rejected")
        record(repository, batch, Operation("reject", (move or Move("", None, None),)), WHO)
    bad = {path_of("c" * 64): rejection("d" * 64), path_of("e" * 64): rejection("e" * 64, when="now")}

    gitskill(team / "ada", "sync")
    assert gitskill(team / "bob", "sync").code == 0
    assert gitskill(team / "ada", "sync").code == 0
    changed(team / "origin.git", REJECTED, bad)
    refused = gitskill(team / "ada", "sync")

    files = git(team / "ada", "ls-tree", "-r", "--name-only", REJECTED).split()
    assert files == [path_of("a" * 64), path_of("b" * 64)]
    assert (refused.code, refused.out.count("skipped"), "a value of another kind" in refused.out) == (7, 2, True)


def test_lessons_travel_with_their_run_if_asked_and_a_checked_out_branch_stays(team: Path, gitskill: Run) -> None:
    lessons = refs(team / "ada", "refs/heads/gitskill")
    [evolved] = [ref for ref in lessons if ref.endswith("/evolved")]

    gitskill(team / "ada", "sync", "--lessons", "r0001")
    git(team / "bob", "branch", "gitskill/r0001/evolved", "main")
    git(team / "bob", "switch", "-q", "gitskill/r0001/evolved")
    done = gitskill(team / "bob", "sync", "--lessons", "r0001", "--json")

    assert len(lessons) > 2
    assert refs(team / "origin.git", "refs/heads/gitskill") == lessons
    assert told(done)["skipped"] == [(evolved, "kept")]
    main = git(team / "bob", "rev-parse", "main").strip()
    assert refs(team / "bob", "refs/heads/gitskill") == {**lessons, evolved: main}


def test_all_lessons_travel_and_nothing_that_only_looks_like_one(team: Path, gitskill: Run) -> None:
    lessons = refs(team / "ada", "refs/heads/gitskill")
    for branch in ("gitskill/mine", "gitskill/r0001/deep/er", "gitskill/r1/x"):
        git(team / "ada", "branch", branch)

    assert gitskill(team / "ada", "sync", "--lessons", "all").code == 0

    assert refs(team / "origin.git", "refs/heads/gitskill") == lessons


def test_a_record_without_its_lessons_is_not_taken_for_a_run_whose_lessons_were_deleted(
    team: Path, gitskill: Run
) -> None:
    gitskill(team / "ada", "sync", "--lessons", "r0001", "--traces")
    gitskill(team / "bob", "sync", "--traces")
    before = refs(team / "bob")

    done = gitskill(team / "bob", "consolidate", "r0001")

    assert (done.code, done.out) == (3, "")
    assert "the lessons of r0001 are not here\nhint: gitskill sync --lessons r0001\n" in done.err
    assert refs(team / "bob") == before
    assert gitskill(team / "bob", "sync", "--lessons", "r0001").code == 0
    assert gitskill(team / "bob", "consolidate", "r0001").code == 0
    assert refs(team / "bob", RECORD) == refs(team / "ada", RECORD)


def test_a_fresh_clone_without_any_of_it_still_blames_every_released_line(team: Path, gitskill: Run) -> None:
    git(team / "ada", "merge", "-q", "--no-ff", "-m", "Take it", "gitskill/r0001/evolved")
    git(team / "ada", "push", "-q", "origin", "main")
    git(team, "clone", "-q", "origin.git", "fresh")
    added = git(team / "ada", "diff", "--name-only", "HEAD^", "HEAD").split()

    assert added != []
    assert refs(team / "fresh", "refs/gitskill", "refs/heads/gitskill", "refs/remotes/origin/gitskill") == {}
    for path in added:
        new = git(team / "fresh", "diff", "-U0", "HEAD^", "HEAD", "--", path).splitlines()
        texts = {line[1:] for line in new if line.startswith("+") and line[1:].strip() and not line.startswith("+++")}
        blamed = json.loads(gitskill(team / "fresh", "blame", "--json", path).out)["lines"]
        taught = {line["text"] for line in blamed if line["lessons"] and line["traces"]}
        assert texts <= taught
        assert gitskill(team / "fresh", "blame", "--json", path) == gitskill(team / "ada", "blame", "--json", path)


def test_who_was_slower_sends_nothing_over_what_came_between(team: Path, gitskill: Run) -> None:
    gitskill(team / "ada", "sync")
    gitskill(team / "bob", "sync")
    repository = Repository.open(team / "bob")
    wish = sync.Wish("origin")
    seen = sync.look(repository, wish)
    changed(team / "bob", RECORD, {"two.json": b"2"}, [first_state(team / "bob")])
    hers = changed(team / "ada", RECORD, {"one.json": b"1"}, [first_state(team / "ada")])
    gitskill(team / "ada", "sync")

    with pytest.raises(GitRefused, match="did not take"):
        sync.push(repository, wish, seen, WHO)

    assert refs(team / "origin.git", RECORD) == {RECORD: hers}
    assert sync.push(repository, wish, seen, WHO, dry_run=True)[0] != []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nowhere"], 3), (["--push", "--pull"], 2), (["--lessons", "main"], 3), (["--lessons", ""], 2), (["../gone"], 3)],
)
def test_what_cannot_be_is_told_and_changes_nothing(arguments: list[str], code: int, team: Path, gitskill: Run) -> None:
    before = refs(team / "ada"), state(team / "ada")

    done = gitskill(team / "ada", "sync", *arguments)

    assert (done.code, done.out) == (code, "")
    assert (refs(team / "ada"), state(team / "ada")) == before


def test_a_password_in_the_url_is_neither_told_nor_kept(team: Path, gitskill: Run) -> None:
    git(team / "origin.git", "config", "http.receivepack", "true")
    gitskill(team / "ada", "sync", "origin")
    with GitServer(team) as server:
        url = f"http://{server.user}:{server.password}@127.0.0.1:{server.port}/origin.git"
        done = gitskill(team / "bob", "sync", url, "--json")
        again = gitskill(team / "ada", "sync", url, "--traces")

    assert (done.code, again.code) == (0, 0), done.err + again.err
    assert told(done)["pulled"] == [(RECORD, "brought, new")]
    assert json.loads(done.out)["remote"] == f"{server.url}/origin.git"
    for each in (team / "bob", team / "ada"):
        kept = [path.read_text() for path in (each / ".git" / "gitskill").rglob("*.json")]
        log = git(each, "log", "--format=%B", "refs/gitskill/oplog")
        assert kept
        assert server.password not in "".join([done.out, done.err, again.out, again.err, *kept, log])
