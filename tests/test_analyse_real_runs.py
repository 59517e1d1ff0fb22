"""The whole of the shared runs through the real command: what comes out passes every check that is ours and git's."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SHARED, Done, git, state
from gitskill.checks.finding import Level
from gitskill.report.lesson import findings
from gitskill.store.lessons import listed
from gitskill.store.nodes import NodeStore
from gitskill.store.repository import Repository
from gitskill.store.skills import SkillReader

Run = Callable[..., Done]


@pytest.fixture
def studied(folder: Path, gitskill: Run) -> Path:
    done = gitskill(folder, "traces", "add", str(SHARED / "trajectories"))
    assert done.code in {0, 7}, done.err
    done = gitskill(folder, "analyse", "--offline")
    assert done.code == 0, done.err
    return folder


def test_every_lesson_on_a_branch_passes_fsck_the_checks_and_the_evidence_check(studied: Path, gitskill: Run) -> None:
    before = state(studied)
    git(studied, "fsck", "--strict", "--no-dangling")
    nodes = NodeStore(SkillReader(Repository.open(studied), ""))
    lessons = listed(nodes.reader.repository)

    read = {each.id: nodes.lesson(each.commit) for each in lessons}

    assert len(read) > 100
    assert [lesson for lesson in read if any(f.level is Level.INVALID for f in findings(nodes, read[lesson]))] == []
    assert all(each.lesson.evidence for each in read.values())
    assert gitskill(studied, "check").code == 0
    assert state(studied) == before

    found = json.loads(gitskill(studied, "status", "--json").out)
    counts = found["traces"]
    assert sum(counts.values()) == 1282
    assert (counts["pending"], counts["failed"], counts["skipped"]) == (0, 0, 23)
    assert found["lessons"]["proposed"] == len(read)
    assert found["lessons"]["held"] <= 0.1 * len(read)
    said = "\n".join(each["what"] for each in found["anomalies"])
    assert "capital" in said
    assert "Double quotes" in said
