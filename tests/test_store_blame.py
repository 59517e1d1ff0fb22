"""Blame: every line back to the commit that taught it, through merges, resolutions, moves and releases."""

from pathlib import Path

import pytest

from build import base_skill, join, lesson_id, settle, teach, teach_skills
from conftest import SKILL, commit_all, git
from gitskill.errors import NotFound
from gitskill.ids import CommitId, LessonId
from gitskill.node import Kind
from gitskill.store.blame import BlamedLine, blame
from gitskill.store.nodes import NodeStore

FORMULAS = "- Keep formulas as formulas."


def by_text(lines: list[BlamedLine]) -> dict[str, tuple[Kind, tuple[LessonId, ...]]]:
    return {line.text: (line.kind, line.lessons) for line in lines if line.text.strip()}


def after(line: str, new: str) -> str:
    return SKILL.replace(line, f"{line}\n{new}")


def test_a_line_goes_to_the_lesson_that_wrote_it_and_the_base_to_its_commit(nodes: NodeStore) -> None:
    base = nodes.reader.repository.head()
    live = teach(nodes, [after(FORMULAS, "- one"), after(FORMULAS, "- two")])
    node = join(nodes, (1, 1), live)

    lines = blame(nodes, "SKILL.md", node.commit)

    assert [line.text for line in lines] == str(nodes.reader.read(node.commit).text("SKILL.md")).split("\n")[:-1]
    assert by_text(lines)["- one"] == (Kind.LESSON, (lesson_id(1),))
    assert by_text(lines)["- two"] == (Kind.LESSON, (lesson_id(2),))
    others = [line for line in lines if line.text not in ("- one", "- two")]
    assert {(line.commit, line.kind) for line in others} == {(base, Kind.BASE)}


def test_a_line_that_two_lessons_added_names_both(nodes: NodeStore) -> None:
    texts = [after(FORMULAS, "- same"), after(FORMULAS, "- same").replace("Store dates", "Keep dates")]
    node = join(nodes, (1, 1), teach(nodes, texts))

    assert by_text(blame(nodes, "SKILL.md", node.commit))["- same"][1] == (lesson_id(1), lesson_id(2))


def test_an_added_line_that_the_base_has_elsewhere_still_goes_to_its_lesson(nodes: NodeStore) -> None:
    """A diff could take the added line for the old one; the live set cannot."""
    node = join(nodes, (1, 1), teach(nodes, [after("- Read values and formulas apart.", FORMULAS)]))

    found = [line for line in blame(nodes, "SKILL.md", node.commit) if line.text == FORMULAS]

    assert [line.kind for line in found] == [Kind.BASE, Kind.LESSON]


def test_a_line_kept_by_a_resolution_goes_to_its_lesson_and_a_rewritten_one_to_the_resolution(nodes: NodeStore) -> None:
    texts = [SKILL.replace(FORMULAS, "- left\n- kept"), SKILL.replace(FORMULAS, "- right")]
    live = teach(nodes, texts)
    text = SKILL.replace(FORMULAS, "- kept\n- both in one")
    settled = settle(nodes, "overlap SKILL.md", live, base_skill(nodes).with_file("SKILL.md", text.encode()))

    found = by_text(blame(nodes, "SKILL.md", join(nodes, (1, 1), [settled]).commit))

    assert found["- kept"] == (Kind.LESSON, (lesson_id(1),))
    assert found["- both in one"] == (Kind.RESOLUTION, (lesson_id(1), lesson_id(2)))


def test_a_line_that_was_placed_in_another_file_goes_to_its_lesson(nodes: NodeStore) -> None:
    live = teach(nodes, [after(FORMULAS, "- rarely seen")])
    moved = base_skill(nodes).with_file("references/rare.md", b"# Rare\n\n- rarely seen\n")
    placed = settle(nodes, "placing references/rare.md", live, moved)

    found = by_text(blame(nodes, "references/rare.md", join(nodes, (1, 1), [placed]).commit))

    assert found == {
        "# Rare": (Kind.PLACING, (lesson_id(1),)),
        "- rarely seen": (Kind.LESSON, (lesson_id(1),)),
    }


def test_a_line_of_a_fold_names_every_lesson_that_says_it(nodes: NodeStore) -> None:
    text = after(FORMULAS, "- often seen")
    live = teach(nodes, [text] * 3)
    fold = settle(nodes, "same SKILL.md", live, base_skill(nodes).with_file("SKILL.md", text.encode()))

    found = by_text(blame(nodes, "SKILL.md", join(nodes, (1, 1), [fold]).commit))

    assert found["- often seen"] == (Kind.FOLD, tuple(map(lesson_id, (1, 2, 3))))


def test_a_resolution_of_a_resolution_leads_to_the_first_lesson(nodes: NodeStore) -> None:
    texts = [SKILL.replace(FORMULAS, "- a"), SKILL.replace(FORMULAS, "- b"), SKILL.replace(FORMULAS, "- c")]
    live = teach(nodes, texts)
    base = base_skill(nodes)
    low = settle(
        nodes, "overlap SKILL.md", live[:2], base.with_file("SKILL.md", SKILL.replace(FORMULAS, "- a\n- b").encode())
    )
    high = settle(
        nodes,
        "overlap SKILL.md",
        [low, live[2]],
        base.with_file("SKILL.md", SKILL.replace(FORMULAS, "- b\n- c\n- d").encode()),
    )

    found = by_text(blame(nodes, "SKILL.md", join(nodes, (1, 1), [high]).commit))

    assert found["- b"] == (Kind.LESSON, (lesson_id(2),))
    assert found["- c"] == (Kind.LESSON, (lesson_id(3),))
    assert found["- d"] == (Kind.RESOLUTION, tuple(map(lesson_id, (1, 2, 3))))


def test_lines_keep_their_source_through_a_release_a_persons_edit_and_a_new_name(
    nodes: NodeStore, folder: Path
) -> None:
    live = teach_skills(nodes, [base_skill(nodes).with_file("references/a.md", b"# A\n\n- taught\n- more\n")])
    git(folder, "merge", "-q", "--no-ff", "-m", "Release", join(nodes, (1, 1), live).commit)
    (folder / "references/a.md").write_text("# A\n\n- taught\n- mine\n- more\n")
    mine = commit_all(folder, "By hand")
    git(folder, "mv", "references/a.md", "references/b.md")
    tip = commit_all(folder, "Rename")

    lines = blame(nodes, "references/b.md", CommitId(tip))

    assert [(line.text, line.kind, line.commit) for line in lines if line.text] == [
        ("# A", Kind.LESSON, live[0].commit),
        ("- taught", Kind.LESSON, live[0].commit),
        ("- mine", Kind.PERSON, mine),
        ("- more", Kind.LESSON, live[0].commit),
    ]


def test_an_octopus_that_a_person_amended_is_blamed_by_its_diffs(nodes: NodeStore, folder: Path) -> None:
    node = join(nodes, (1, 1), teach(nodes, [after(FORMULAS, "- one"), after(FORMULAS, "- two")]))
    git(folder, "checkout", "-q", "--detach", node.commit)
    (folder / "SKILL.md").write_text((folder / "SKILL.md").read_text().replace("- two", "- two!"))
    git(folder, "commit", "-qa", "--amend", "--no-edit")
    tip = CommitId(git(folder, "rev-parse", "HEAD").strip())

    found = {line.text: line for line in blame(nodes, "SKILL.md", tip)}

    assert found["- one"].lessons == (lesson_id(1),)
    assert found["- two!"].commit == tip


def test_git_blame_agrees_on_every_line_that_is_not_blank(nodes: NodeStore, folder: Path) -> None:
    texts = [after(FORMULAS, f"- rule {n}") for n in range(12)] + [SKILL + f"\n## S{n}\n\nText {n}\n" for n in range(5)]
    root = join(nodes, (1, 1), teach(nodes, texts)).commit

    shown = git(folder, "blame", "-l", "-s", root, "--", "SKILL.md").splitlines()
    theirs = [line.split()[0].lstrip("^")[:39] for line in shown]

    for line, commit in zip(blame(nodes, "SKILL.md", root), theirs, strict=True):
        assert line.commit[:39] == commit or not line.text.strip()


def test_a_file_that_is_not_there_is_named(nodes: NodeStore) -> None:
    with pytest.raises(NotFound, match=r"references/no\.md is not a file of the skill"):
        blame(nodes, "references/no.md", nodes.reader.repository.head())
