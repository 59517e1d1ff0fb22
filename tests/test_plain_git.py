"""What plain git says of a candidate with two levels, folds, joins, a resolution and placings."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import SKILL, commit_all, git
from gitskill.consolidate.run import Consolidated
from gitskill.ids import CommitId
from gitskill.node import Kind, Live
from gitskill.skill.edits import AddSection, AppendToSection, Edit, ReplaceInSection
from lesson_tree import Bench, Said, bench
from test_consolidate_hostile import Answering, decision, settled

SAVE = "- Save to a new file."
WAYS = [ReplaceInSection("SKILL.md", SAVE, f"- Save under {way}.", "Writing") for way in ("another name", "a new name")]
READ = AppendToSection("SKILL.md", "Writing", "- Read it back.")
KEEP = AppendToSection("SKILL.md", "Writing", "- Keep a copy.")
COUNT = AppendToSection("SKILL.md", "Reading", "- Count the rows.")
LOOK, QUOTE = (AddSection("SKILL.md", f"## Shell\n\n- {text}.\n") for text in ("Look first", "Quote paths"))
SELDOM = AppendToSection("SKILL.md", "Dates", "- Ask for the time zone.")
TAUGHT: list[Edit] = [READ, WAYS[0], LOOK, QUOTE, KEEP, WAYS[1], READ, COUNT, LOOK, QUOTE, SELDOM, KEEP, COUNT]


@dataclass(frozen=True)
class Evolved:
    """A repository with a candidate."""

    folder: Path
    made: Bench
    found: Consolidated

    @property
    def candidate(self) -> str:
        assert self.found.candidate
        return self.found.candidate.commit

    def writer(self, line: str) -> str:
        """Give the commit that git blames for a line of SKILL.md in the candidate."""
        lines = git(self.folder, "show", f"{self.candidate}:SKILL.md").splitlines()
        number = lines.index(line) + 1
        told = git(self.folder, "blame", "-l", "-s", "-L", f"{number},{number}", self.candidate, "--", "SKILL.md")
        return told.split()[0].lstrip("^")

    def parts(self) -> Iterator[Live]:
        """Give every lesson, and every fold, resolution and placing of any level."""
        shown = "--format=%H %(trailers:key=Level,valueonly,separator=%x2C)"
        for line in git(self.folder, "log", shown, f"{self.made.run.base}..{self.candidate}").splitlines():
            commit, _, level = line.partition(" ")
            if not level:
                yield self.made.nodes.live(CommitId(commit), self.made.run.base)


def keep_first_words(names: list[str]) -> str:
    edit = {"op": "replace_in_section", "old_text": SAVE, "content": "- Save under a name of its own."}
    return json.dumps({"decisions": [decision("rewrite", names, [edit])]})


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Evolved:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("plain") / "sheets"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(SKILL)
    commit_all(folder, "Base")
    made = bench(folder, [Said(edit, trace) for trace, edit in enumerate(TAUGHT, start=1)])
    return Evolved(folder, made, settled(made, Answering(keep_first_words), fan_in=5, min_support=2))


def test_the_candidate_has_all_that_there_is(evolved: Evolved) -> None:
    kinds = {(item.kind, item.kind is Kind.RESOLUTION and _clash(evolved, item)) for item in evolved.parts()}

    assert {kind for kind, _ in kinds} == {Kind.LESSON, Kind.FOLD, Kind.RESOLUTION, Kind.PLACING}
    assert {clash for _, clash in kinds if clash} == {"join", "overlap"}
    assert {node.says.id.level for node in evolved.found.nodes} == {1, 2, 3}
    git(evolved.folder, "fsck", "--strict", "--no-dangling")


def _clash(evolved: Evolved, item: Live) -> str:
    return git(evolved.folder, "log", "-1", "--format=%(trailers:key=Clash,valueonly)", item.commit).split()[0]


def test_no_merge_has_a_line_of_its_own(evolved: Evolved) -> None:
    for node in evolved.found.nodes:
        shown = git(evolved.folder, "show", "--cc", "--format=", node.commit)
        count = len(git(evolved.folder, "rev-parse", f"{node.commit}^@").split())
        new = [line for line in shown.splitlines() if line.startswith("+" * count) and not line.startswith("+++ ")]
        assert [line for line in new if line.strip("+ ")] == []


def test_blame_ends_at_a_commit_that_has_the_line_and_is_no_merge_of_groups(evolved: Evolved) -> None:
    parts = {item.commit: item for item in evolved.parts()}
    base = set(SKILL.splitlines())
    paths = git(evolved.folder, "ls-tree", "-r", "--name-only", evolved.candidate).split()
    assert "references/dates.md" in paths
    checked = set()
    for path in paths:
        told = git(evolved.folder, "blame", "-l", "-s", evolved.candidate, "--", path)
        for commit, line in re.findall(r"^\^?([0-9a-f]{39,40})\S* +(?:\S+ +)?\d+\) ?(.*)$", told, re.MULTILINE):
            if line.strip() and line not in base:
                [whole] = [oid for oid in parts if oid.startswith(commit)]
                checked.add(line)
                assert line in git(evolved.folder, "show", f"{whole}:{path}").splitlines()
    assert {"- Read it back.", "- Save under a name of its own.", "## Shell", "- Ask for the time zone."} <= checked


def test_the_first_parents_read_as_versions_and_the_graph_is_drawn(evolved: Evolved) -> None:
    base = evolved.made.run.base
    ours = git(evolved.folder, "rev-list", "--first-parent", f"{base}..{evolved.candidate}").split()
    drawn = git(evolved.folder, "log", "--graph", "--oneline", evolved.candidate)

    assert ours == [evolved.candidate]
    assert git(evolved.folder, "rev-parse", f"{evolved.candidate}^1").strip() == base
    assert drawn.count("Merge ") == len(evolved.found.nodes)


@pytest.mark.parametrize("line", ["- Read it back.", "- Save under a name of its own.", "- Look first."])
def test_bisect_ends_at_the_commit_that_wrote_a_line(evolved: Evolved, line: str) -> None:
    git(evolved.folder, "bisect", "start", "--no-checkout", evolved.candidate, evolved.made.run.base)
    told = git(evolved.folder, "bisect", "run", "sh", "-c", f"! git show BISECT_HEAD:SKILL.md | grep -qxF -- '{line}'")
    git(evolved.folder, "bisect", "reset")

    first = re.search(r"([0-9a-f]{40}) is the first bad commit", told)
    assert first
    found = next(item for item in evolved.parts() if item.commit == first[1])
    assert line in git(evolved.folder, "show", f"{found.commit}:SKILL.md").splitlines()
    assert found.kind is (Kind.RESOLUTION if "Save" in line else Kind.LESSON)


def test_a_lesson_that_stands_alone_at_its_point_is_reverted_and_one_beside_others_is_not(
    evolved: Evolved, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    git(evolved.folder, "worktree", "add", "-q", "--detach", str(tree), evolved.candidate)
    try:
        git(tree, "revert", "--no-edit", evolved.writer("- Count the rows."))
        text = (tree / "SKILL.md").read_text()
        before = git(evolved.folder, "show", f"{evolved.candidate}:SKILL.md")
        assert text == before.replace("- Count the rows.\n", "")

        git(tree, "revert", "--no-edit", evolved.writer("- Read it back."), ok=False)
        assert git(tree, "diff", "--name-only", "--diff-filter=U").split() == ["SKILL.md"]
        assert "- Read it back." in (tree / "SKILL.md").read_text()
    finally:
        git(evolved.folder, "worktree", "remove", "--force", str(tree))


def test_reverting_the_whole_gives_the_base(evolved: Evolved, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(evolved.folder, "worktree", "add", "-q", "--detach", str(tree), evolved.candidate)
    try:
        git(tree, "revert", "--no-edit", "-m", "1", evolved.candidate)
        assert git(tree, "diff", "--stat", evolved.made.run.base, "HEAD") == ""
    finally:
        git(evolved.folder, "worktree", "remove", "--force", str(tree))
