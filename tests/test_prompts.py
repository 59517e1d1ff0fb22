"""What is said to models, and what a user may put in its place."""

from pathlib import Path

import pytest

from gitskill.errors import InvalidInput
from gitskill.prompts import ANALYST, DRAFT, Prompts

SHIPPED = Path(__file__).parents[1] / "templates" / "prompts"


def own(folder: Path, text: str, name: str = "analyst-success-task.md") -> Prompts:
    (folder / name).write_text(text)
    return Prompts(folder)


def test_the_hash_is_over_every_analyst_prompt_there_is() -> None:
    assert sorted(ANALYST) == sorted(path.name for path in SHIPPED.glob("analyst-*"))
    assert list(ANALYST) == sorted(ANALYST)


def test_the_hash_of_a_draft_is_over_every_prompt_that_asks_for_one() -> None:
    assert sorted(DRAFT) == sorted(path.name for path in SHIPPED.glob("draft*"))
    assert Prompts().hash_of(DRAFT) != Prompts().hash == Prompts().hash_of(ANALYST)


def test_values_are_filled_in_once_and_dollars_in_them_stay(tmp_path: Path) -> None:
    assert own(tmp_path, "See $runs for $$5").text("analyst-success-task.md", runs="$HOME $$") == "See $HOME $$ for $5"


@pytest.mark.parametrize("values", [{}, {"runs": "a", "more": "b"}])
def test_a_missing_or_an_extra_value_is_a_bug(values: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        Prompts().text("analyst-success-task.md", **values)


def test_a_users_file_takes_the_place_of_one_prompt_and_changes_the_hash(tmp_path: Path) -> None:
    mine = own(tmp_path, "Mine: $runs")

    assert mine.text("analyst-success-task.md", runs="x") == "Mine: x"
    assert mine.text("analyst-rules.md") == Prompts().text("analyst-rules.md")
    assert mine.hash != Prompts().hash


def test_the_hash_is_eight_digits_and_the_same_for_the_same_texts(tmp_path: Path) -> None:
    copied = own(tmp_path, (SHIPPED / "analyst-rules.md").read_text(), "analyst-rules.md")

    assert len(Prompts().hash) == 8
    assert int(Prompts().hash, 16) >= 0
    assert copied.hash == Prompts(None).hash


def test_what_is_no_analysts_prompt_cannot_be_replaced(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="replaces no prompt"):
        own(tmp_path, "Only JSON: $schema", "json-answer.txt")


def test_a_file_that_changes_during_a_run_changes_nothing(tmp_path: Path) -> None:
    mine = own(tmp_path, "Mine: $runs")
    before = mine.hash
    (tmp_path / "analyst-success-task.md").write_text("Other: $runs")

    assert mine.hash == before
    assert mine.text("analyst-success-task.md", runs="x") == "Mine: x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("No place.", r"analyst-success-task\.md lacks \$runs"),
        ("$runs and $more", r"analyst-success-task\.md names \$more"),
        ("$runs\ncosts $ 5", r"analyst-success-task\.md, line 2: a lone dollar sign"),
    ],
)
def test_a_users_prompt_must_have_just_the_names_that_are_filled_in(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        own(tmp_path, text)


def test_a_name_that_no_prompt_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"analyst_rules\.md replaces no prompt, did you mean analyst-rules\.md\?"):
        own(tmp_path, "text", "analyst_rules.md")


def test_notes_beside_the_prompts_are_no_prompt(tmp_path: Path) -> None:
    assert own(tmp_path, "Costs $ 5", "README.md").hash == Prompts().hash


def test_a_folder_that_is_not_there_and_a_file_that_is_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "analyst-rules.md").write_bytes(b"\xff\xfe")

    with pytest.raises(InvalidInput, match="none cannot be read"):
        Prompts(tmp_path / "none")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        Prompts(tmp_path)


def test_the_rules_leave_room_in_a_small_context() -> None:
    """1,200 tokens of prose, at four bytes each."""
    prompts = Prompts()
    rules, acts = prompts.text("analyst-rules.md"), "".join(prompts.text(name) for name in ANALYST if "acts" in name)
    success = prompts.text("analyst-success.md", rules=rules, skill="")
    error = prompts.text("analyst-error.md", rules=rules, skill="", acts=acts)

    assert len(success.encode()) < 4 * 1000
    assert len(error.encode()) < 4 * 1200
