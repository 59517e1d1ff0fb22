"""Octopus merges: exact, the same in any tree, and good answers from plain git."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from build import base_skill, join, lesson_id, settle, teach, teach_skills
from conftest import SKILL, git
from gitskill.errors import InvalidInput
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.node import Kind, Live
from gitskill.store.nodes import NodeStore

TAILS = [
    "",
    "\n- a",
    "\n- b\n",
    "\n\n- b\n",
    "\n\n## N\n\nn\n",
    "\n\n\n",
    "\n\n## N\n\nn",
    "\n### S\n",
    "\n\nlast words",
]


def dense(count: int) -> list[str]:
    """Versions of the sample skill, many of them with an insert at the same place."""
    lines = SKILL.split("\n")
    rooms = [lines.index(text) + 1 for text in ("- Keep formulas as formulas.", "- Read values and formulas apart.")]
    made = []
    for number in range(count):
        new = list(lines)
        new.insert(rooms[number % 2], f"- Rule {number}: look twice.")
        if number % 7 == 0:
            new[-1:-1] = ["", f"## Section {number}", "", f"Text {number}."]
        made.append("\n".join(new))
    return made


def two_levels(nodes: NodeStore, live: list[Live], fan_in: int = 8) -> CommitId:
    groups = [live[at : at + fan_in] for at in range(0, len(live), fan_in)]
    below = [join(nodes, (1, number), group) for number, group in enumerate(groups)]
    return join(nodes, (2, 1), [item for node in below for item in node.live], [node.commit for node in below]).commit


def in_any_shape(nodes: NodeStore, live: list[Live], data: st.DataObject) -> CommitId:
    """Merge in a tree of random shape, each node read back from git before the next level uses it."""
    waiting = [([item], item.commit) for item in live]
    level = 0
    while len(waiting) > 1 or level == 0:
        level += 1
        size = data.draw(st.integers(2, 4))
        groups = [waiting[at : at + size] for at in range(0, len(waiting), size)]
        waiting = []
        for number, group in enumerate(groups):
            items = [item for part, _ in group for item in part]
            made = join(nodes, (level, number), items, [commit for _, commit in group]).commit
            waiting.append((list(NodeStore(nodes.reader).read(made).live), made))
    return waiting[0][1]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.sampled_from(TAILS), min_size=2, max_size=9), data=st.data())
def test_any_shape_of_tree_gives_the_skill_of_the_flat_merge(
    nodes: NodeStore, texts: list[str], data: st.DataObject
) -> None:
    live = teach(nodes, [SKILL.removesuffix("\n") + tail for tail in texts])
    flat = join(nodes, (9, 9), live)

    root = in_any_shape(nodes, live, data)

    assert nodes.reader.read(root) == nodes.reader.read(flat.commit)
    assert set(NodeStore(nodes.reader).read(root).live) == set(live)


def test_no_line_of_an_octopus_is_new_against_all_parents(nodes: NodeStore, folder: Path) -> None:
    root = two_levels(nodes, teach(nodes, dense(40)))

    for commit in git(folder, "rev-list", "--merges", root).split():
        count = len(git(folder, "rev-list", "--parents", "-1", commit).split()) - 1
        shown = git(folder, "show", "--cc", "--format=", commit).splitlines()
        body = [line for line in shown if line[:1] in "+- " and not line.startswith(("+++ b/", "--- a/"))]
        assert [line for line in body if line.startswith("+" * count) and line[count:].strip()] == []
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""


def test_the_base_is_the_first_parent_and_the_parents_keep_their_order(nodes: NodeStore, folder: Path) -> None:
    live = teach(nodes, dense(5))[::-1]

    node = join(nodes, (1, 1), live)

    parents = git(folder, "rev-list", "--parents", "-1", node.commit).split()[1:]
    assert parents == [node.base, *(item.commit for item in live)]


def test_git_blame_ends_at_the_lesson_for_every_line_it_wrote(nodes: NodeStore, folder: Path) -> None:
    texts = dense(40)
    live = teach(nodes, texts)
    root = two_levels(nodes, live)

    blamed = git(folder, "blame", "-l", "-s", root, "--", "SKILL.md").splitlines()

    wrote = {line.split(")", 1)[1].strip(): line.split()[0].lstrip("^") for line in blamed}
    assert all(wrote[f"- Rule {number}: look twice."] == item.commit for number, item in enumerate(live))


def test_git_bisect_finds_the_lesson_that_brought_a_line(nodes: NodeStore, folder: Path) -> None:
    live = teach(nodes, dense(40))
    root = two_levels(nodes, live)
    git(folder, "bisect", "start", root, "main")

    said = git(folder, "bisect", "run", "sh", "-c", "! grep -q 'Rule 17:' SKILL.md")

    assert f"{live[17].commit} is the first bad commit" in said


def test_git_revert_takes_out_a_lesson_that_stands_alone(nodes: NodeStore, folder: Path) -> None:
    alone = SKILL.replace("# Sheets\n", "# Sheets\n\nAlways be careful.\n")
    live = teach(nodes, [*dense(6), alone])
    root = join(nodes, (1, 1), live)
    git(folder, "merge", "-q", "--no-ff", "-m", "Release", root.commit)

    git(folder, "revert", "--no-edit", live[6].commit)

    assert "Always be careful" not in (folder / "SKILL.md").read_text()
    assert all(f"Rule {number}:" in (folder / "SKILL.md").read_text() for number in range(6))


def test_first_parent_history_reads_as_releases(nodes: NodeStore, folder: Path) -> None:
    root = join(nodes, (1, 1), teach(nodes, dense(6)))
    git(folder, "merge", "-q", "--no-ff", "-m", "Release v1.1.0", root.commit)

    assert git(folder, "log", "--first-parent", "--format=%s") == "Release v1.1.0\nBase\n"


def test_a_resolution_takes_the_place_of_what_it_settles(nodes: NodeStore) -> None:
    texts = [SKILL.replace("as formulas", "as values"), SKILL.replace("as formulas", "live"), dense(2)[1]]
    live = teach(nodes, texts)
    text = SKILL.replace("as formulas", "as formulas, and write values beside them")
    settled = settle(
        nodes, "overlap SKILL.md#Writing", live[:2], base_skill(nodes).with_file("SKILL.md", text.encode())
    )

    node = NodeStore(nodes.reader).read(join(nodes, (1, 1), [settled, live[2]]).commit)

    assert [item.kind for item in node.live] == [Kind.RESOLUTION, Kind.LESSON]
    assert node.live[0].lessons == (lesson_id(1), lesson_id(2))
    assert "write values beside them" in str(nodes.reader.read(node.commit).text("SKILL.md"))
    assert "Rule 1: look twice." in str(nodes.reader.read(node.commit).text("SKILL.md"))


def test_a_resolution_above_replaces_lessons_that_octopuses_below_carry(nodes: NodeStore) -> None:
    texts = [SKILL.replace("as formulas", "as values"), SKILL.replace("as formulas", "live"), *dense(4)[2:]]
    live = teach(nodes, texts)
    below = [join(nodes, (1, 1), [live[0], live[2]]), join(nodes, (1, 2), [live[1], live[3]])]
    settled = settle(nodes, "overlap SKILL.md", live[:2], base_skill(nodes).with_file("SKILL.md", texts[0].encode()))

    parents = [settled.commit, *(node.commit for node in below)]
    root = join(nodes, (2, 1), [settled, live[2], live[3]], parents)

    assert set(NodeStore(nodes.reader).read(root.commit).live) == {settled, live[2], live[3]}


def test_a_fold_has_the_tree_of_its_first_lesson_and_names_all(nodes: NodeStore, folder: Path) -> None:
    live = teach(nodes, [dense(1)[0]] * 3)
    fold = settle(nodes, "same SKILL.md", live, base_skill(nodes).with_file("SKILL.md", dense(1)[0].encode()))

    node = NodeStore(nodes.reader).read(join(nodes, (1, 1), [fold]).commit)

    assert node.live == (fold,)
    assert (fold.kind, fold.lessons) == (Kind.FOLD, tuple(map(lesson_id, (1, 2, 3))))
    assert git(folder, "rev-parse", f"{fold.commit}^{{tree}}") == git(folder, "rev-parse", f"{live[0].commit}^{{tree}}")


def test_an_octopus_whose_trailers_were_changed_is_refused(nodes: NodeStore, folder: Path) -> None:
    node = join(nodes, (1, 1), teach(nodes, dense(3)))
    git(folder, "checkout", "-q", "--detach", node.commit)
    message = str(node.says.message()).replace("Support: l0002a", "Support: l0009a")
    git(folder, "commit", "-q", "--amend", "-m", message)

    with pytest.raises(InvalidInput, match="Support trailers differ on r0001/l0002a, r0001/l0009a"):
        nodes.read(CommitId(git(folder, "rev-parse", "HEAD").strip()))


def test_lessons_that_create_delete_and_change_files_merge_exactly(nodes: NodeStore) -> None:
    base = base_skill(nodes)
    live = teach_skills(
        nodes,
        [
            base.with_file("references/new.md", b"# New\n"),
            base.with_file("assets/logo.bin", b"\0\1"),
            base.with_file("SKILL.md", dense(1)[0].encode()),
            base.with_file("references/empty.md", b""),
        ],
    )

    node = join(nodes, (1, 1), live)

    assert nodes.reader.read(node.commit).files == {
        "SKILL.md": dense(1)[0].encode(),
        "assets/logo.bin": b"\0\1",
        "references/empty.md": b"",
        "references/new.md": b"# New\n",
    }


def test_git_reads_our_trailers(nodes: NodeStore, folder: Path) -> None:
    node = join(nodes, (2, 3), teach(nodes, dense(2)))

    parsed = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=git(folder, "log", "-1", "--format=%B", node.commit),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert Message.parse(f"x\n\n{parsed}").trailers == node.says.message().trailers
