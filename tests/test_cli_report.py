"""gitskill report: one file about a run or a release, whatever stands in traces, lessons and skills."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from build import base_skill, join, settle, teach
from conftest import SKILL, Done, commit_all, git, state
from gitskill.model.ledger_file import Intent, LedgerFile, Result
from gitskill.store.nodes import NodeStore
from gitskill.store.repository import Repository
from studied_run import Said, Study, appended, sample

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Path:  # noqa: ARG001
    return sample(tmp_path_factory.getbasetemp())


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """Give a copy to change."""
    return Path(shutil.copytree(made, tmp_path / "sheets", symlinks=True))


def page(gitskill: Run, folder: Path, *arguments: str) -> str:
    done = gitskill(folder, "report", *arguments, "-o", "-")
    assert done.code == 0, done.err
    return done.out


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value or "" for _, attributes in self.tags for key, value in attributes.items() if key == name]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_the_page_accounts_for_every_lesson_and_trace(made: Path, gitskill: Run) -> None:
    text = Tags(page(gitskill, made)).text

    assert (
        "r0001 studied 11 traces: of 10 lessons, 5 stand in the candidate, 2 say the same as one of these or as the "
        "skill, 1 was dropped, 1 waits for a person, 1 was rejected."
    ) in text
    assert "Lessons 5 stand; 2 more say the same" in text
    assert "Support of the best 2/11 traces, 2 tasks: Recalculate after writing a formula" in text
    assert "Gate not measured" in text
    assert "Version minor: v1.3.0 would become v1.4.0" in text
    assert "1 no lesson no quotable error" in text
    assert "held by reach: apt" in text
    assert "rejected by leak: names the task" in text


def test_a_lesson_opens_to_its_evidence_its_change_what_was_folded_and_the_other_side(
    made: Path, gitskill: Run
) -> None:
    html = page(gitskill, made)
    cards = re.findall(r'<details id="r0001-l\d{4}a">.*?</details></li>', html, re.DOTALL)
    [first] = [card for card in cards if ">Recalculate after writing a formula<" in card]
    [saved] = [card for card in cards if re.search('class="t">Save (beside|next to) it<', card)]
    [dropped] = [card for card in cards if 'class="t">Save elsewhere<' in card]

    assert '<span class="dim">reading the target range\n</span><mark>expected 2210, found None</mark>' in first
    assert "sheet-1 (failure), step 2, from the tool" in first
    assert "after <code" in first
    assert "1 folded into it" in first
    assert "<q>value: None</q>" in first
    assert "Save to a new file<ins> beside the old one</ins>." in saved
    assert "Against it: another change to the same lines" in saved
    assert "Save elsewhere" in saved
    assert "dropped by r0001/m" in dropped
    assert re.search("Save (beside|next to) it", dropped)


def test_the_tree_leads_from_the_root_to_every_lesson_once(made: Path, gitskill: Run) -> None:
    html = page(gitskill, made)
    tree = html[html.index('<ul class="tree">') : html.index('id="lessons"')]
    names = re.findall(r'<(?:summary|p class="leaf")><code>([^<]*)</code>', tree)

    assert names[0] == "m3-01"
    lessons = [name for name in names if name.startswith("l")]
    assert len(lessons) == len(set(lessons)) == 7
    assert "left out: changes the same lines" in tree
    assert '<rect width="100.0%"' in tree


def test_every_line_of_the_skill_has_its_source(made: Path, gitskill: Run) -> None:
    html = page(gitskill, made)
    [row] = re.findall(r'<tr class="fold">(?:(?!</tr>).)*Recalculate after(?:(?!</tr>).)*</tr>', html)
    git_says = git(made, "show", "gitskill/r0001/evolved:SKILL.md")

    assert re.search(r'<a href="#(r0001-l\d{4}a)">l\d{4}a</a> \+1</td><td class="n">2/11<', row)
    skill = html[html.index('id="skill"') : html.index('id="cost"')]
    first = skill[: skill.index("</details>")]
    assert first.count("<tr ") == len(git_says.splitlines())


def test_nothing_is_loaded_run_or_linked_but_what_is_ours(made: Path, gitskill: Run) -> None:
    html = page(gitskill, made)
    found = Tags(html)

    assert {value[:1] for value in found.values("href")} == {"#"}
    assert {value[1:] for value in found.values("href")} <= set(found.values("id"))
    assert len(found.values("id")) == len(set(found.values("id")))
    assert not {"src", "style", "srcset", "action"} & {key for _, attributes in found.tags for key in attributes}
    assert not [key for _, attributes in found.tags for key in attributes if key.startswith("on")]
    names = {tag for tag, _ in found.tags}
    assert not {"img", "iframe", "object", "embed", "link", "base", "form", "foreignobject"} & names
    [policy] = [value for value in found.values("content") if value.startswith("default-src")]
    hashes = [
        base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        for body in re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", html, re.DOTALL)
    ]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert [tag for tag, _ in found.tags].count("script") == 1


def test_control_and_hidden_characters_are_made_visible(made: Path, gitskill: Run) -> None:
    html = page(gitskill, made)

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]", html)
    assert "\\u{202e}" in html
    assert "\\u{1b}[31m" in html


def test_the_same_repository_gives_the_same_bytes_and_keeps_its_refs_and_checkout(
    made: Path, gitskill: Run, tmp_path: Path
) -> None:
    before = state(made), git(made, "for-each-ref")

    first = gitskill(made, "report", "-o", str(tmp_path / "a.html"))
    again = gitskill(made, "report", "r0001", "-o", str(tmp_path / "b.html"))

    assert (first.code, first.out, first.err) == (0, f"{tmp_path}/a.html\n", "")
    assert (state(made), git(made, "for-each-ref")) == before
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.html").read_text() == page(gitskill, made).removesuffix("\n")
    assert again.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_an_older_report_is_replaced_and_no_other_file_is(copied: Path, gitskill: Run) -> None:
    (copied / "notes.html").write_text("mine")
    assert gitskill(copied, "report").out == "report.html\n"
    text = (copied / "report.html").read_text()
    (copied / "report.html").write_text(text.replace("stand in", "lie in"))

    assert gitskill(copied, "report").code == 0
    refused = gitskill(copied, "report", "-o", "notes.html")
    assert (copied / "report.html").read_text() == text
    assert (copied / "notes.html").read_text() == "mine"
    assert refused.code == 3
    assert refused.err.startswith(f"gitskill: {copied}/notes.html exists and is no report\nhint: ")
    assert gitskill(copied, "report", "-o", "notes.html", "--force").code == 0
    assert (copied / "notes.html").read_text() == text


def test_nothing_is_written_through_a_link_or_where_no_file_can_be(copied: Path, gitskill: Run, tmp_path: Path) -> None:
    target = tmp_path / "target.html"
    (copied / "link.html").symlink_to(target)
    (copied / "folder.html").mkdir()
    before = state(copied)

    for place in ("link.html", "folder.html", "nowhere/report.html"):
        done = gitskill(copied, "report", "-o", place, "--force")
        assert (done.code, done.out, done.err.count("\n")) == (3, "", 2), place
    assert not target.exists()
    assert state(copied) == before


@pytest.mark.parametrize("name", ["r0009", "v9.9.9", "v1.3.0", "main", "r0001/m1-01", "../x"])
def test_what_is_no_run_and_no_release_with_one_is_refused(name: str, made: Path, gitskill: Run) -> None:
    done = gitskill(made, "report", name, "-o", "-")

    assert (done.code, done.out) == (3, "")
    assert len(done.err.splitlines()) == 2


def test_where_there_is_no_run_the_first_command_is_named(folder: Path, gitskill: Run) -> None:
    before = state(folder)

    done = gitskill(folder, "report")

    assert done == Done(3, "", "gitskill: there is no run yet\nhint: gitskill evolve --traces PATH makes one\n")
    assert state(folder) == before


def test_json_says_what_was_written(copied: Path, gitskill: Run) -> None:
    told = json.loads(gitskill(copied, "report", "--json", "-o", "x.html").out)

    assert told == {"file": "x.html", "about": "r0001", "runs": ["r0001"], "lessons": 5}
    assert gitskill(copied, "report", "--json", "-o", "-").code == 2


def test_a_release_is_told_from_history_in_a_clone_without_our_refs(
    copied: Path, gitskill: Run, tmp_path: Path
) -> None:
    git(copied, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0001/evolved")
    git(copied, "tag", "-a", "v1.4.0", "-m", "x")
    (copied / "SKILL.md").write_text((copied / "SKILL.md").read_text() + "\nMine.\n")
    commit_all(copied, "Later")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--single-branch", str(copied), str(clone))

    here, there = page(gitskill, copied, "v1.4.0"), page(gitskill, clone, "v1.4.0")

    assert "v1.4.0 brought what r0001 learned from 11 traces: of 10 lessons, 5 stand in the skill" in here
    assert "v1.4.0 brought what r0001 learned from 11 traces: of 8 lessons, 5 stand in the skill, 2 say" in there
    titles = [re.findall(r'class="t">([^<]*)<', html[html.index('id="list"') :])[:5] for html in (here, there)]
    assert titles[0] == titles[1]
    assert "its trace is not stored here" in there
    assert "record is not in this repository" in Tags(there).text
    assert "Recalculate after writing" in there
    assert "Mine." not in here
    assert Tags(page(gitskill, clone)).text.startswith("r0001 of")


def test_a_release_and_what_comes_after_it_are_told_apart(copied: Path, gitskill: Run) -> None:
    assert gitskill(copied, "release", "r0001").code == 0
    released = page(gitskill, copied, "v1.4.0")
    assert "<dd>minor: released as v1.4.0</dd>" in page(gitskill, copied)
    [lesson] = re.findall(
        r"<code>(l\d{4}a)</code><span class=\"t\">Names are short", released[released.index("list") :]
    )
    anew = json.loads(gitskill(copied, "drop", lesson, "--json").out)["tag"]
    assert gitskill(copied, "rollback", "v1.3.0").code == 0

    dropped = Tags(page(gitskill, copied, "v1.4.0")).text

    assert "5 stand in the skill" in Tags(released).text
    assert "4 stand in the skill, 2 say the same as one of these or as the skill, 2 were dropped" in dropped
    for tag, why in ((anew, f"no run was released with {anew}"), ("v2.0.0", "v2.0.0 is a rollback to v1.3.0")):
        done = gitskill(copied, "report", tag, "-o", "-")
        assert (done.code, done.out) == (3, "")
        assert why in done.err


def test_lessons_by_hand_have_a_page_too(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    bullet("Dates", "two")
    assert "of 2 lessons, 2 are not merged yet." in page(gitskill, folder)
    gitskill(folder, "merge", "l0001a", "l0002a")

    text = Tags(page(gitskill, folder)).text

    assert "of 2 lessons, 2 stand in the candidate." in text
    assert "Cost none No model was asked." in text
    assert "m1-01 merge 2 lessons" in text
    git(folder, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0001/m1-01")
    bullet("Reading", "three")
    gitskill(folder, "merge", "r0002/l0001a")
    git(folder, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0002/m1-01")
    git(folder, "tag", "-a", "v1.0.0", "-m", "x")
    both = Tags(page(gitskill, folder, "v1.0.0"))
    assert "v1.0.0 brought what r0001 and r0002 learned: of 3 lessons, 3 stand in the skill." in both.text
    assert {"#r0001-l0001a", "#r0002-l0001a"} <= set(both.values("href"))
    assert "r0002/m1-01 merge 1 lesson" in both.text
    assert "lesson r0002/l0001a" in both.text


def test_a_lesson_that_is_damaged_does_not_take_the_page_away(copied: Path, gitskill: Run) -> None:
    [held] = [line for line in git(copied, "branch", "--list", "*install-a-font").split() if "/" in line]
    git(copied, "update-ref", f"refs/heads/{held}", "HEAD")

    text = Tags(page(gitskill, copied)).text

    assert "Install a font" in text
    assert "its commit is not in this repository, or is damaged" in text


def test_a_run_that_is_not_merged_yet_and_texts_without_end_have_their_page(copied: Path, gitskill: Run) -> None:
    endless = Said("Endless", by="leak", reason="r", rule=f"{'x' * 30_000}the end")
    Study([endless, Said("New", appended("Dates", "Look twice."))]).write(Repository.open(copied))

    html = page(gitskill, copied)
    text = Tags(html).text

    assert "r0002 studied 2 traces: of 2 lessons, 1 was rejected, 1 is not merged yet." in text
    assert "Proposed: 1 They are not merged yet." in text
    assert "… (20,007 more characters)" in text
    assert "the end" not in text
    assert len(html) < 60_000


def test_a_run_of_another_skill_is_named_as_such(copied: Path, gitskill: Run) -> None:
    (copied / "words").mkdir()
    (copied / "words" / "SKILL.md").write_text(SKILL.replace("sheets", "words"))
    commit_all(copied, "Another")

    done = gitskill(copied, "--skill", "words", "report", "r0001", "-o", "-")

    told = "gitskill: r0001 is a run of another skill\nhint: gitskill --skill . report r0001\n"
    assert done == Done(3, "", told)


def test_a_clash_that_was_settled_shows_both_sides_and_what_stands_instead(
    folder: Path, nodes: NodeStore, gitskill: Run
) -> None:
    old = "Store dates as dates."
    sides = teach(nodes, [SKILL.replace(old, f"Store dates as {word} dates.") for word in ("ISO", "Excel")])
    both = base_skill(nodes).with_file("SKILL.md", SKILL.replace(old, "Store dates as real dates.").encode())
    node = join(nodes, (1, 1), [settle(nodes, "overlap SKILL.md#Dates", sides, both)])
    git(folder, "branch", "gitskill/r0001/m1-01", node.commit)

    html = page(gitskill, folder, "r0001")
    cards = re.findall(r'<details id="r0001-l\d{4}a">.*?</details></li>', html, re.DOTALL)

    assert len(cards) == 2
    text = Tags(cards[0]).text
    assert "Settled: overlap SKILL.md#Dates, by rule:test l0002a Lesson 2 (merged)" in text
    assert "+ Store dates as Excel dates." in text
    assert text.endswith("What stands instead: SKILL.md Dates - Store dates as dates. + Store dates as real dates.")
    assert "m1-01.1 resolution overlap SKILL.md#Dates, by rule:test" in Tags(html).text


def test_the_bill_stands_by_stage_and_with_each_lesson(copied: Path, gitskill: Run) -> None:
    assert "stands in the ledger of the machine that paid" in page(gitskill, copied)
    ledger = LedgerFile(copied / ".git" / "gitskill" / "ledger.db", 1)
    for key, stage, slot, usd in [
        ("a", "analyse", "l0001", 0.25),
        ("b", "analyse", "l0002", 0.5),
        ("c", "analyse", "l0002", 0.5),
        ("d", "consolidate", "m1-01", 0.05),
        ("e", "sandbox", "l0002", 9.0),
    ]:
        ledger.apply([Intent(key, (), ("r0001", stage, slot), "[]"), Result(key, "{}", (1000, 10, 0), usd, 0)])
    ledger.apply([Intent("f", (), ("r0001", "analyse", "l0003"), "[]")])
    ledger.close()

    text = Tags(page(gitskill, copied)).text

    assert "Cost $1.30 4 calls, 4,000 tokens in" in text
    assert "$1.30, 4 calls: 4,000 tokens in, 40 out. 1 more may be billed" in text
    rows = "analyse 3 3,000 30 $1.2500 consolidate 1 1,000 10 $0.0500"
    assert f"Stage Calls Tokens in Out USD {rows} By trace and merge: 4" in text
    assert "l0002 2 2,000 20 $1.0000 l0001 1 1,000 10 $0.2500 m1-01" in text
    assert text.count("Cost $1.00, 2 calls") == 1
