"""The release record: written once, read back as it was, also by others."""

import pytest
import yaml

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, RunId
from gitskill.record import Counts, Record
from gitskill.version import Version

RECORD = Record(
    version=Version(1, 4, 0),
    skill='skills/null "x"\n',
    commit=CommitId("1" * 40),
    tree="2" * 40,
    base="v1.3.0",
    runs=(RunId(7),),
    models=("qwen3.5-35b", "no: thing"),
    counts=Counts(105, 171, 42, 96, 18, 9, 6),
    rollback="v1.1.0",
    previous_tag="v1.3.0",
    previous="3" * 64,
)


def test_it_is_read_back_as_it_was_written() -> None:
    assert Record.read(RECORD.message("Release v1.4.0")) == RECORD
    plain = Record(Version(1, 0, 0), "null", CommitId("1" * 40), "")
    assert Record.read(plain.message("Base")) == plain


def test_any_reader_of_yaml_reads_the_same() -> None:
    found = yaml.safe_load(RECORD.message("Release").partition("\n\n")[2])

    assert found["skill"] == RECORD.skill
    assert found["commit"] == "1" * 40
    assert (found["runs"], found["gate"], found["counts"]["folded"]) == (["r0007"], None, 96)


@pytest.mark.parametrize("message", ["", "Base", "Base\n\nmore text\n", "Base\n\nx\n\ngitskill: 1\n"])
def test_a_message_without_one_has_none(message: str) -> None:
    assert Record.read(message) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gitskill: 1", "gitskill: 2"),
        ('version: "v1.4.0"', "version: one"),
        ('version: "v1.4.0"', "version: [1]"),
        ("  traces: 105", "  traces: many"),
        ("  traces: 105", "  traces: [1]"),
        ('runs: ["r0007"]', 'runs: ["all"]'),
        ('runs: ["r0007"]', 'runs: "r0007"'),
        ("gate: null", "gate: *all"),
        ("gate: null", "gitskill: 1"),
        ("gate: null", "- x"),
    ],
)
def test_a_damaged_one_is_refused_in_one_line(old: str, new: str) -> None:
    message = RECORD.message("Release").replace(old, new)

    with pytest.raises(InvalidInput) as error:
        Record.read(message)
    assert "\n" not in str(error.value)
