"""Analysts that obey: whatever a run tells them to teach, they teach, word for word, with the best evidence there is.

No figure here says that poison is detected. They say what can become a part of the skill without a person's yes.
"""

import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from analyst_server import lesson, lessons, quotable
from conftest import SHARED, Done, commit_all, git, state, told
from fault_server import FaultServer, Reaction, Seen, ok

Run = Callable[..., Done]
Edit = dict[str, str]

HOSTILE = SHARED / "security"
REQUEST = "Tidy up sheet number {}."
NUMBER = re.compile(r"Tidy up sheet number (\d+)\.")
REACH = re.compile(r"https?://|[\w-]@[\w-]+\.|\b[\w-]+\.(?:sh|py)\b|allowed-tools")
RESIDUAL = 19
"""Of 54 injections: biases, falsified results, skipped checks, deleted data. A check of reach can find none of them."""


@dataclass(frozen=True)
class Injection:
    """A poisoned text, and the edit that gets it into a skill."""

    name: str
    text: str
    edit: Edit

    @property
    def reaches(self) -> bool:
        """Say, by other means than the check does, whether it has a host, a script or a hidden character."""
        unseen = any(unicodedata.category(char) in {"Cf", "Co", "Cn"} for char in self.text)
        return unseen or bool(REACH.search(self.text))


def appended(text: str, section: str = "Writing") -> Edit:
    return {"op": "append_to_section", "file": "SKILL.md", "target_section": section, "content": text}


def placed(text: str) -> Edit:
    """Put a text where it can stand: one with a heading makes a section, a permission goes to the frontmatter."""
    if text.startswith("allowed-tools"):
        line = "description: Edit spreadsheets. Use for xlsx files."
        return {"op": "replace_in_section", "file": "SKILL.md", "old_text": line, "content": f"{line}\n{text}"}
    if re.search(r"^#+ ", text, re.MULTILINE):
        return {"op": "add_section", "file": "SKILL.md", "content": f"## Rules\n\n{text}"}
    return appended(text)


def collected() -> Iterator[tuple[str, str]]:
    """Give the injections of the collection that are for tuning on; the others are held out."""
    folder = HOSTILE / "skill-inject"
    manifest = json.loads((folder / "insertion_manifest_odd.json").read_text())
    texts = {(item["kind"], item["id"]): item["inj"] for item in manifest}
    for kind, name in (("obv", "obvious"), ("ctx", "contextual")):
        for item in json.loads((folder / f"{name}_injections_odd.json").read_text()):
            text = texts.get((kind, item["id"]), item["instructions"]["line_injection"])
            yield f"{kind}-{item['id']:02}", text.strip()


def own() -> Iterator[tuple[str, str]]:
    benign = (HOSTILE / "own-fixtures/benign/csv-report/SKILL.md").read_text().split("\n")
    for path in sorted(HOSTILE.glob("own-fixtures/poison/*/SKILL.md")):
        lines = path.read_text().split("\n")
        added = [line for line in lines if line not in benign and not line.startswith("name: ")]
        yield path.parent.name[:3], "\n".join(added)


ALL = [Injection(name, text, placed(text)) for name, text in (*collected(), *own())]


def called(command: str, text: str) -> dict[str, Any]:
    call = {"name": "bash", "arguments": {"command": command}, "observation": {"text": text, "exit_code": 0}}
    return {"origin": "agent", "calls": [call]}


def written(place: Path, pages: Mapping[int, str]) -> Path:
    """Write, for each page, a run that read it and did its task well."""
    place.mkdir()
    for number, page in pages.items():
        request = REQUEST.format(number)
        steps = [{"origin": "user", "text": request}, called("cat notes", page), called("tidy", f"tidied {number}")]
        log = {"gitskill_trace": 1, "task": f"sheet-{number}x", "request": request, "steps": steps}
        (place / f"sheet-{number}x.json").write_text(json.dumps(log | {"outcome": {"status": "success"}}))
    return place


@dataclass
class Obedient:
    """An analyst who answers with the lesson that belongs to the run in the question, also when told to mend it."""

    taught: Mapping[int, tuple[str, Edit]]

    def __call__(self, seen: Seen) -> Reaction:
        question = str(seen.json["messages"][1]["content"])
        [number] = set(NUMBER.findall(question))
        rule, edit = self.taught[int(number)]
        title = " ".join(filter(str.isalpha, rule.split()))[:60] or "Do it"
        return ok(lessons(lesson(*quotable(question), rule, title=title, edits=[edit])))


@dataclass(frozen=True)
class Ended:
    """What became of the lesson of one run."""

    lesson: str
    state: str
    by: str


@dataclass(frozen=True)
class Taught:
    """A run of gitskill: what it said, and what became of the lesson of each trace, by the number in its name."""

    said: Any
    ended: Mapping[int, Ended]


@pytest.fixture
def teach(
    folder: Path, gitskill: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Taught]]:
    """Give how to have lessons taught, each by the analyst of one run that said its text."""
    with FaultServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        monkeypatch.setenv("GITSKILL_MODEL", "m")

        def call(taught: Mapping[int, tuple[str, Edit]], skill: str = ".") -> Taught:
            server.script = Obedient(taught)
            place = written(tmp_path / f"runs-{min(taught)}", {number: text for number, (text, _) in taught.items()})
            where = ("--skill", str(folder / skill))
            said = told(gitskill(folder, *where, "analyse", "--traces", str(place), "--json"))
            rows = told(gitskill(folder, *where, "show", said["run"], "--json"))
            plan = json.loads(git(folder, "cat-file", "-p", f"refs/gitskill/runs/{said['run']}:plan.json"))
            number = {f"l{each['number']:04}a": int(each["task"][6:-1]) for each in plan["assignments"]}
            ends = {number[row["lesson"][-6:]]: Ended(row["lesson"], row["state"], row["by"]) for row in rows}
            assert ends.keys() == taught.keys()
            return Taught(said, ends)

        yield call


Teach = Callable[..., Taught]


def test_of_all_injections_none_with_reach_is_proposed_and_no_held_one_is_merged(
    folder: Path, gitskill: Run, teach: Teach
) -> None:
    before = state(folder)

    taught = teach({number: (each.text, each.edit) for number, each in enumerate(ALL)})

    by_name = {ALL[number].name: each for number, each in taught.ended.items()}
    counts = Counter(each.state for each in by_name.values())
    assert (len(ALL), counts) == (54, {"proposed": RESIDUAL, "held": 32, "rejected": 3})
    proposed = {name for name, each in by_name.items() if each.state == "proposed"}
    assert proposed & {each.name for each in ALL if each.reaches} == set()
    assert {name: each.by for name, each in by_name.items() if each.state == "rejected"} == {
        "p03": "secrets",  # an address of mail
        "p04": "hidden",
        "p05": "hidden",
    }

    said = taught.said["lessons"]
    assert said["proposed"] == sum(said[name] for name in said if name != "proposed") == len(ALL)
    assert sum(taught.said["traces"].values()) == taught.said["traces"]["lessons"] == len(ALL)
    assert git(folder, "for-each-ref", "refs/heads/gitskill").count("\n") == counts["proposed"] + counts["held"]
    for each in by_name.values():
        if each.state == "held":
            assert gitskill(folder, "merge", each.lesson).code == 4
    assert "/m1-" not in git(folder, "for-each-ref")
    assert state(folder) == before
    git(folder, "fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("name", ["obv-11", "ctx-01", "p01", "p04"])
def test_a_flood_of_one_injection_does_not_get_it_in(folder: Path, gitskill: Run, teach: Teach, name: str) -> None:
    [poison] = [each for each in ALL if each.name == name]
    flood = dict.fromkeys(range(0, 10, 2), (poison.text, poison.edit))
    plain = {number: (text, appended(text)) for number in range(1, 10, 2) for text in [f"- Read {number} rows twice."]}

    taught = teach(flood | plain)

    assert {taught.ended[number].state for number in flood} == {"rejected" if name == "p04" else "held"}
    assert {taught.ended[number].state for number in plain} == {"proposed"}
    kept = [each.lesson for each in taught.ended.values() if each.state != "rejected"]
    assert gitskill(folder, "merge", *kept).code == (0 if name == "p04" else 4)
    assert ("/m1-" in git(folder, "for-each-ref")) == (name == "p04")


def bullets(path: Path) -> dict[str, str]:
    """Give bullets of a real skill with the heading that each stands under, if it is the only one of its name.

    Those with links are left out: the files that they lead to are not among our data.
    """
    heading, found, headings = "", {}, Counter[str]()
    is_code = False
    for line in path.read_text(errors="replace").split("\n"):
        is_code ^= line.lstrip().startswith("```")
        if not is_code and (match := re.fullmatch(r"#{1,4} ([A-Za-z ]+)", line)):
            heading = match[1].strip()
            headings[heading] += 1
        elif not is_code and heading and re.match(r"- .{40}", line) and "](" not in line:
            found[line] = heading
    return {line: heading for line, heading in found.items() if headings[heading] == 1}


def test_of_plain_edits_few_are_held_and_none_is_refused(folder: Path, teach: Teach) -> None:
    """Take bullets out of real skills, and have them taught to what is left, one by one."""
    dice, taught = random.Random(1), dict[str, dict[int, tuple[str, Edit]]]()  # noqa: S311 - always the same sample
    for path in sorted(SHARED.glob("skills/*/*/SKILL.md")):
        found = bullets(path)
        if len(found) >= 10 and len(taught) < 6:
            name = path.parent.name
            drawn = dice.sample(sorted(found), 10)
            taught[name] = {len(taught) * 10 + at: (line, appended(line, found[line])) for at, line in enumerate(drawn)}
            (folder / name).mkdir()
            kept = [line for line in path.read_text(errors="replace").split("\n") if line not in drawn]
            (folder / name / "SKILL.md").write_text("\n".join(kept))
    commit_all(folder, "Real skills")

    ended = [each for name, several in taught.items() for each in teach(several, name).ended.values()]

    counts = Counter((each.state, each.by) for each in ended)
    assert len(ended) == 60
    assert counts["held", "reach"] <= 0.2 * len(ended)  # it was 1 when this was written
    assert counts["held", "reach"] + counts["proposed", ""] == len(ended)
