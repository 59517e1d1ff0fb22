"""The tree of a run: whatever is taught, in whatever groups, nothing is lost and every line has its source."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from build import RUN
from conftest import SKILL, commit_all, git
from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.consolidate.gather import gather
from gitskill.fate import LessonFate, State
from gitskill.ids import CommitId, LessonId
from gitskill.lesson import distinct
from gitskill.report.lesson import Standings
from gitskill.report.lesson import State as Stands
from gitskill.skill.edits import AddSection, AppendToSection, Create, Edit, ReplaceInSection
from gitskill.store.blame import blame
from lesson_tree import Bench, Said, bench

BULLETS = ["Look first.", "Read it back.", "Count the rows.", "Name the sheet.", "Keep a copy."]
INSERTS: st.SearchStrategy[Edit] = st.sampled_from(BULLETS).flatmap(
    lambda text: st.sampled_from(
        [
            AppendToSection("SKILL.md", "Writing", f"- {text}"),
            AppendToSection("SKILL.md", "Reading", f"- {text}"),
            AddSection("SKILL.md", f"## Shell\n\n- {text}\n"),
            AddSection("SKILL.md", f"## Tools\n\n{text}\n"),
        ]
    )
)
REWRITES: st.SearchStrategy[Edit] = st.sampled_from(
    [
        ReplaceInSection("SKILL.md", "- Save to a new file.", "- Save under another name.", "Writing"),
        ReplaceInSection("SKILL.md", "- Save to a new file.", "- Save beside the old file.", "Writing"),
        ReplaceInSection("SKILL.md", "Store dates as dates.", "Store dates as ISO dates.", "Dates"),
    ]
)


def taught(edits: st.SearchStrategy[Edit]) -> st.SearchStrategy[list[Said]]:
    return st.lists(st.builds(Said, edits, st.integers(1, 8)), min_size=1, max_size=14)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("tree") / "sheets"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(SKILL)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Base")
    return folder


quick = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(taught(INSERTS), st.integers(2, 32), st.integers(2, 32))
def test_without_clashes_every_fan_in_keeps_the_same_lessons_and_lines(
    place: Path, said: list[Said], one: int, other: int
) -> None:
    made = bench(place, said)

    first, second = made.consolidated(one), made.consolidated(other)

    assert first.candidate
    assert second.candidate
    assert sorted(made.lines(first)) == sorted(made.lines(second))
    assert sorted(first.candidate.says.support) == sorted(second.candidate.says.support)
    assert first.candidate.says.dropped == second.candidate.says.dropped == ()


@quick
@given(taught(INSERTS | REWRITES), st.integers(2, 6), st.integers(1, 3))
def test_nothing_is_lost_and_every_added_line_leads_to_its_lessons(
    place: Path, said: list[Said], fan_in: int, min_support: int
) -> None:
    made = bench(place, said)

    found = made.consolidated(fan_in, min_support)

    if found.candidate is None:
        return
    states = [Standings(made.nodes).of(lesson).state for lesson in made.gathered.live]
    assert set(states) <= {Stands.MERGED, Stands.FOLDED, Stands.DROPPED, Stands.HELD}
    assert len(states) == len(said)
    read = made.nodes.read(found.candidate.commit)
    assert {live.commit for live in read.live} == {live.commit for live in found.candidate.live}
    base = made.nodes.reader.read(made.run.base)
    skill = made.nodes.reader.read(found.candidate.commit)
    assert [each for each in check_change(base, skill) if each.level is Level.INVALID] == []
    for path in skill.files:
        old = set(base.text(path).lines)
        for line in blame(made.nodes, path, found.candidate.commit):
            assert line.lessons or line.text in old or not line.text.strip()


@quick
@given(taught(INSERTS), st.integers(2, 6))
def test_support_is_counted_from_distinct_traces_and_tasks(place: Path, said: list[Said], fan_in: int) -> None:
    made = bench(place, said)
    alike: dict[Edit, list[int]] = {}
    for number, one in enumerate(said, start=1):
        alike.setdefault(one.edit, []).append(number)

    found = made.consolidated(fan_in)

    assert found.candidate
    told = dict(found.candidate.says.support)
    for numbers in alike.values():
        refs = [ref for number in numbers for ref in made.gathered.taught[LessonId(RUN, number, "a")]]
        for number in numbers:
            support = told[LessonId(RUN, number, "a")]
            assert (support.traces, support.tasks, support.of) == (*distinct(refs), 20)


@quick
@given(taught(INSERTS | REWRITES), st.integers(2, 6))
def test_the_same_lessons_are_the_same_commits(place: Path, said: list[Said], fan_in: int) -> None:
    made = bench(place, said)

    before = made.consolidated(fan_in)
    refs = git(place, "for-each-ref", "refs/heads")

    assert made.consolidated(fan_in) == before
    assert git(place, "for-each-ref", "refs/heads") == refs


def bullet(text: str, *traces: int, section: str = "Writing") -> list[Said]:
    return [Said(AppendToSection("SKILL.md", section, f"- {text}"), trace) for trace in traces]


def text_of(made: Bench, commit: CommitId, path: str = "SKILL.md") -> str:
    return str(made.nodes.reader.read(commit).text(path))


def test_what_one_trace_teaches_goes_to_a_reference_that_is_linked(place: Path) -> None:
    made = bench(place, [*bullet("Often.", 1, 2, 3), *bullet("Seldom.", 4), *bullet("Once.", 5, section="Reading")])

    found = made.consolidated(16, 2)

    assert found.candidate
    skill = text_of(made, found.candidate.commit)
    assert "- Often.\n- Less common: [Writing](references/writing.md).\n" in skill
    assert "Seldom" not in skill
    assert text_of(made, found.candidate.commit, "references/writing.md") == "# Writing\n\n- Seldom.\n"
    assert text_of(made, found.candidate.commit, "references/reading.md") == "# Reading\n\n- Once.\n"


def test_a_reference_that_the_skill_links_already_is_not_linked_again(tmp_path: Path) -> None:
    (tmp_path / "references").mkdir()
    (tmp_path / "references/writing.md").write_text("# Writing\n\n- Seldom.\n")
    base = SKILL.replace("- Keep", "- Less common: [Writing](references/writing.md).\n- Keep")
    (tmp_path / "SKILL.md").write_text(base)
    git(tmp_path, "init", "-q", "-b", "main")
    commit_all(tmp_path, "Base")
    made = bench(tmp_path, bullet("Once.", 5))

    found = made.consolidated(16, 2)

    assert found.candidate
    assert text_of(made, found.candidate.commit) == base
    assert text_of(made, found.candidate.commit, "references/writing.md") == "# Writing\n\n- Seldom.\n- Once.\n"


def test_a_full_skill_puts_out_what_has_least_support(place: Path) -> None:
    made = bench(place, [*bullet("A.", 1, 2, 3), *bullet("B.", 4, 5), *bullet("C.", 6, 7, 8, 9)])
    lines = len(SKILL.splitlines()) + 2

    found = made.consolidated(16, 1, lines=lines)

    assert found.candidate
    assert "B." in text_of(made, found.candidate.commit, "references/writing.md")
    assert "- C." in text_of(made, found.candidate.commit)


def test_of_two_that_change_one_line_the_better_supported_stands_and_the_other_says_why(place: Path) -> None:
    rewrite = [ReplaceInSection("SKILL.md", "- Save to a new file.", f"- Save {how}.", "Writing") for how in "ab"]
    made = bench(place, [Said(rewrite[0], 1), Said(rewrite[1], 2), Said(rewrite[1], 3)])

    found = made.consolidated(16, 2)

    assert found.candidate
    assert "- Save b." in text_of(made, found.candidate.commit)
    dropped = dict(found.candidate.says.dropped)
    assert dropped == {
        LessonId(RUN, 1, "a"): "changes the same lines as l0002a, which 2/20 traces teach; this one 1/20"
    }


def test_a_replacement_that_one_trace_teaches_waits_for_a_person(place: Path) -> None:
    rewrite = ReplaceInSection("SKILL.md", "- Save to a new file.", "- Overwrite.", "Writing")
    made = bench(place, [Said(rewrite, 1), *bullet("Often.", 2, 3)])

    found = made.consolidated(16, 2)

    assert found.candidate
    assert "- Save to a new file." in text_of(made, found.candidate.commit)
    standing = Standings(made.nodes).of(LessonId(RUN, 1, "a"))
    assert (standing.state, "fewer than 2 traces" in standing.reason) == (Stands.HELD, True)


def test_git_sees_no_line_in_an_octopus_that_no_lesson_wrote(place: Path) -> None:
    made = bench(place, [*bullet("Often.", 1, 2), *bullet("Seldom.", 4), *bullet("Else.", 5, 6, section="Reading")])

    found = made.consolidated(2, 2)

    for node in found.nodes:
        shown = git(place, "show", "--cc", "--format=", node.commit)
        parents = git(place, "rev-parse", f"{node.commit}^@").split()
        new = [line for line in shown.splitlines() if line.startswith("+" * len(parents)) and line.strip("+ ")]
        assert [line for line in new if not line.startswith("+++ ")] == []
    git(place, "fsck", "--strict", "--no-dangling")


def test_a_lesson_whose_branch_a_person_deleted_is_dropped_and_said_so(place: Path) -> None:
    made = bench(place, [*bullet("Often.", 1, 2), *bullet("Bad.", 3, 4)])
    [ref] = git(place, "for-each-ref", "--format=%(refname)", "refs/heads/gitskill/r0001/l0003a-lesson-3").split()
    commits = {f"l000{n}a": str(made.gathered.live[LessonId(RUN, n, "a")].commit) for n in range(1, 5)}
    fates = {slot: LessonFate(slot, slot, State.PROPOSED, commit) for slot, commit in commits.items()}
    git(place, "update-ref", "-d", ref)

    gathered = gather(made.nodes, made.run, fates)
    found = Bench(made.nodes, made.run, gathered).consolidated(16)

    assert [(each.slot, each.reason) for each in gathered.aside] == [("l0003a", "its branch was deleted")]
    assert found.candidate
    assert "Bad" in text_of(made, found.candidate.commit)  # the other run taught it too


def test_of_two_that_break_the_skill_together_the_less_supported_stands_back(place: Path) -> None:
    rare, known = Create("assets/note.txt", "rare\n"), Create("assets/Note.txt", "known\n")
    made = bench(place, [Said(rare, 1), *bullet("Often.", 2, 3), Said(known, 4), Said(known, 5)])

    found = made.consolidated(16, 1)

    assert found.candidate
    skill = made.nodes.reader.read(found.candidate.commit)
    assert sorted(skill.files) == ["SKILL.md", "assets/Note.txt"]
    assert "- Often." in text_of(made, found.candidate.commit)
    [(lesson, reason)] = {each for node in found.nodes for each in node.says.dropped}
    assert lesson == LessonId(RUN, 1, "a")
    assert reason.startswith("together with better supported lessons it breaks the skill: assets/")
    assert Standings(made.nodes).of(lesson).state is Stands.DROPPED


def test_what_an_analyst_calls_critical_stays_in_the_skill_but_replaces_nothing(place: Path) -> None:
    rewrite = ReplaceInSection("SKILL.md", "- Save to a new file.", "- Overwrite.", "Writing")
    [rare] = bullet("Never save over the only copy.", 1)
    said = [Said(rare.edit, 1, critical=True), *bullet("Often.", 2, 3), Said(rewrite, 4, critical=True)]
    made = bench(place, said)

    found = made.consolidated(16, 2, lines=len(SKILL.splitlines()) + 1)

    assert found.candidate
    skill = text_of(made, found.candidate.commit)
    assert "- Never save over the only copy.\n" in skill
    assert "- Often." not in skill
    assert "- Save to a new file." in skill
    assert Standings(made.nodes).of(LessonId(RUN, 4, "a")).state is Stands.HELD
