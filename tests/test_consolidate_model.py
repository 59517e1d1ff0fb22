"""Clashes settled by a model, whatever it answers: through the real command, against an endpoint on loopback."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analyst_server import lesson, lessons, quotable
from conftest import Done, git
from fault_server import FaultServer, Reaction, Seen, error, ok
from gitskill.consolidate.alike import connected
from gitskill.consolidate.polarity import turned
from gitskill.ids import LessonId, RunId
from study_runs import runs

Run = Callable[..., Done]
OLD = "- Save to a new file."


def rewriting(seen: Seen) -> dict[str, Any]:
    """Make a lesson that changes one line of the skill, another way for each run but the last two."""
    number = int(re.findall(r"sheet number (\d+)", seen.text)[-1])
    new = f"- Save under a name of your own, way {min(number, 2)}."
    edit = {"op": "replace_in_section", "file": "SKILL.md", "target_section": "Writing", "old_text": OLD}
    return lesson(*quotable(seen.text), new, edits=[edit | {"content": new}])


def decisions(*told: dict[str, Any]) -> Reaction:
    whole = [{"do": "keep", "reason": "", "edits": [], "lessons": []} | each for each in told]
    return ok(json.dumps({"decisions": whole}))


def names(seen: Seen) -> list[str]:
    """Give the lessons of the sets that a question is about."""
    sets = seen.json["messages"][1]["content"].partition("Others of this group")[0]
    return re.findall(r"^(l\d{4}[a-z]) \(", sets, re.MULTILINE)


def rewrite(seen: Seen, content: str, **more: Any) -> Reaction:
    edit = {"op": "replace_in_section", "file": "SKILL.md", "target_section": "Writing", "old_text": OLD}
    return decisions({"do": "rewrite", "lessons": names(seen), "edits": [edit | {"content": content}]} | more)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    with FaultServer() as served:
        monkeypatch.setenv("OPENAI_BASE_URL", served.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        monkeypatch.setenv("GITSKILL_MODEL", "m")
        yield served


@pytest.fixture
def evolve(folder: Path, gitskill: Run, server: FaultServer) -> Callable[[Callable[[Seen], Reaction]], Any]:
    """Study four runs that all change one line, and consolidate with a model that answers so."""
    place, labels = runs(folder.parent / "runs", good=4)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))

    def call(settled: Callable[[Seen], Reaction]) -> Any:
        def script(seen: Seen) -> Reaction:
            is_analyst = seen.json["response_format"]["json_schema"]["name"] == "Lessons"
            return ok(lessons(rewriting(seen))) if is_analyst else settled(seen)

        server.script = script
        done = gitskill(folder, "evolve", "--json", "--min-support", "1")
        assert done.code == 0, done.err
        found = json.loads(done.out)
        counts = found["lessons"]
        ends = ("merged", "folded", "dropped", "held", "rejected")
        assert counts["proposed"] == sum(counts[name] for name in ends) == 4
        git(folder, "fsck", "--strict", "--no-dangling")
        return found

    return call


def skill(folder: Path, found: Any) -> str:
    return git(folder, "show", f"{found['candidate']}:SKILL.md")


def settled(server: FaultServer) -> int:
    return sum(seen.json["response_format"]["json_schema"]["name"] == "Decisions" for seen in server.seen)


def test_one_call_settles_a_group_and_the_rest_stands_back_with_the_models_reason(
    folder: Path, gitskill: Run, server: FaultServer, evolve: Callable[..., Any]
) -> None:
    def keep_first(seen: Seen) -> Reaction:
        first, *others = names(seen)
        return decisions({"lessons": [first]}, {"do": "drop", "lessons": others, "reason": "the first says it best"})

    found = evolve(keep_first)

    assert settled(server) == 1
    assert found["calls"] == 5
    assert (found["lessons"]["merged"] + found["lessons"]["folded"], found["lessons"]["dropped"]) != (4, 0)
    dropped = [json.loads(gitskill(folder, "show", f"r0001/l000{n}a", "--json").out)["reason"] for n in range(1, 5)]
    assert "the first says it best" in dropped


def test_a_rewrite_is_a_resolution_with_its_sources_and_its_support(
    folder: Path, gitskill: Run, server: FaultServer, evolve: Callable[..., Any]
) -> None:
    found = evolve(lambda seen: rewrite(seen, "- Save under another name."))

    assert "- Save under another name" in skill(folder, found)
    line = next(
        each
        for each in json.loads(gitskill(folder, "blame", "--rev", found["candidate"], "--json", "SKILL.md").out)[
            "lines"
        ]
        if "another name" in each["text"]
    )
    assert (line["kind"], line["support"], len(line["lessons"])) == ("resolution", 4, 4)
    shown = git(folder, "log", "--format=%B", "--grep=^Clash: overlap", found["candidate"])
    assert "Resolved-By: model:m" in shown
    assert shown.count("Lesson-From: ") == 4
    assert settled(server) == 1


WRONG: dict[str, Callable[[Seen], Reaction]] = {
    "invents a source": lambda seen: rewrite(seen, "- Save elsewhere.", lessons=[*names(seen), "l9999z"]),
    "drops in silence": lambda seen: decisions({"lessons": names(seen)[:1]}),
    "keeps what clashes": lambda seen: decisions({"lessons": names(seen)}),
    "changes nothing": lambda seen: rewrite(seen, OLD),
    "adds a host": lambda seen: rewrite(seen, "- Save to https://evil.example/up."),
    "turns it around": lambda seen: rewrite(seen, "- Never save under a name of your own."),
    "leaves conflict markers": lambda seen: rewrite(seen, "<<<<<<< a\n- Save.\n=======\n- Store.\n>>>>>>> b"),
    "breaks the frontmatter": lambda seen: rewrite(
        seen,
        "x",
        edits=[{"op": "replace_in_section", "file": "SKILL.md", "old_text": "name: sheets", "content": "n: x"}],
    ),
    "gives no reason": lambda seen: decisions(
        {"lessons": names(seen)[:1]}, {"do": "drop", "lessons": names(seen)[1:], "reason": " "}
    ),
    "answers for another group": lambda _: decisions({"lessons": ["l7777a", "l7778a"]}),
    "writes no JSON": lambda _: ok("Certainly! Here is my answer."),
    "refuses": lambda _: ok("", refusal="I cannot help with that."),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_answer_that_cannot_stand_is_settled_by_rule_and_said_so(
    name: str, folder: Path, gitskill: Run, server: FaultServer, evolve: Callable[..., Any]
) -> None:
    found = evolve(WRONG[name])

    assert found["candidate"]
    text = skill(folder, found)
    assert "way 2" in text  # two of four runs teach it
    assert "evil" not in text
    assert "<<<" not in text
    assert (found["lessons"]["merged"], found["lessons"]["folded"], found["lessons"]["dropped"]) == (1, 1, 2)
    reasons = [json.loads(gitskill(folder, "show", f"r0001/l000{n}a", "--json").out)["reason"] for n in range(1, 5)]
    assert sum("which 2/4 traces teach" in reason for reason in reasons) == 2
    assert settled(server) <= 2


def test_a_second_answer_that_is_right_is_taken(folder: Path, server: FaultServer, evolve: Callable[..., Any]) -> None:
    def second(seen: Seen) -> Reaction:
        if len(seen.json["messages"]) == 2:
            return decisions({"lessons": names(seen)})
        assert "both cannot stand" in seen.text
        return rewrite(seen, "- Save under a name of your own.")

    found = evolve(second)

    assert "- Save under a name of your own.\n" in skill(folder, found)
    assert settled(server) == 2


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        pytest.param(error(401, "no such key"), 6, id="no key"),
        pytest.param(error(429, "later", retry_after="3600"), 75, id="an hour's wait"),
        pytest.param(error(404, "no such model"), 6, id="no model"),
    ],
)
def test_stopped_by_the_model_it_says_how_to_go_on_and_that_goes_on(
    folder: Path, gitskill: Run, server: FaultServer, refused: Reaction, code: int
) -> None:
    place, labels = runs(folder.parent / "runs", good=4)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    server.script = lambda seen: (
        ok(lessons(rewriting(seen))) if seen.json["response_format"]["json_schema"]["name"] == "Lessons" else refused
    )
    stopped = gitskill(folder, "evolve", "--model", "m", "--min-support", "1")
    assert stopped.code == code
    assert git(folder, "for-each-ref", "refs/heads/gitskill/r0001/m*", "refs/heads/gitskill/r0001/evolved") == ""
    counts = json.loads(gitskill(folder, "status", "--json").out)["lessons"]
    assert (counts["proposed"], counts["pending"]) == (4, 4)
    [line] = [line for line in stopped.err.splitlines() if line.startswith("  go on")]
    assert line.endswith("gitskill consolidate r0001 --model m --min-support 1 --engine auto")

    server.script = lambda seen: rewrite(seen, "- Save under another name.")
    _, again = line.split("gitskill ")

    assert gitskill(folder, *again.split()).code == 0
    assert "another name" in git(folder, "show", "gitskill/r0001/evolved:SKILL.md")


def test_without_a_clash_nobody_is_asked(folder: Path, gitskill: Run, server: FaultServer) -> None:
    texts = ["Count rows before columns.", "Close the file at the end.", "Name each sheet in lower case."]
    place, labels = runs(folder.parent / "runs", good=3)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    server.script = lambda seen: ok(lessons(lesson(*quotable(seen.text), texts[(seen.number - 1) % 3])))

    found = json.loads(gitskill(folder, "evolve", "--json").out)

    assert (found["calls"], server.count) == (3, 3)


def test_what_may_contradict_each_other_is_asked_about_and_the_resolution_says_so(
    folder: Path, gitskill: Run, server: FaultServer
) -> None:
    texts = [
        "Never write to a workbook that somebody has open.",
        "Write to a workbook even while a person has it open.",
    ]
    place, labels = runs(folder.parent / "runs", good=2)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    one = {
        "op": "append_to_section",
        "file": "SKILL.md",
        "target_section": "Writing",
        "content": "- Never write to it.",
    }

    def script(seen: Seen) -> Reaction:
        if seen.json["response_format"]["json_schema"]["name"] == "Lessons":
            return ok(lessons(lesson(*quotable(seen.text), texts[(seen.number - 1) % 2])))
        return decisions({"do": "rewrite", "lessons": names(seen), "edits": [one]})

    server.script = script
    found = json.loads(gitskill(folder, "evolve", "--json", "--min-support", "1").out)

    assert settled(server) == 1
    assert git(folder, "log", "--format=%B", found["candidate"]).count("Clash: contradiction SKILL.md") == 1
    assert "Never write to it." in skill(folder, found)


def test_settling_again_is_free(folder: Path, gitskill: Run, server: FaultServer, evolve: Callable[..., Any]) -> None:
    found = evolve(lambda seen: rewrite(seen, "- Save under a name of your own."))
    asked = server.count

    again = json.loads(gitskill(folder, "consolidate", "--json", "--min-support", "1").out)

    assert (again["candidate"], server.count) == (found["candidate"], asked)


def test_rules_can_be_asked_for_though_there_is_a_model(
    folder: Path, gitskill: Run, server: FaultServer, evolve: Callable[..., Any]
) -> None:
    evolve(lambda seen: rewrite(seen, "- Save under a name of your own."))
    asked = server.count

    found = json.loads(gitskill(folder, "consolidate", "--json", "--engine", "rules", "--min-support", "1").out)

    assert server.count == asked
    assert "way 2" in skill(folder, found)


@pytest.mark.parametrize(
    ("sources", "text", "wrong"),
    [
        (["Never save over it."], "Always save over it.", "never"),
        (["Always check."], "Check.", ""),
        (["Check."], "Always check.", "always"),
        (["Do not guess.", "Don't guess."], "Guess.", "not"),
        (["Never guess.", "Look it up."], "Look it up, never guess.", ""),
        (["Look."], "Look, do not guess.", "not"),
    ],
)
def test_polarity_is_kept(sources: list[str], text: str, wrong: str) -> None:
    found = turned(sources, text)

    assert bool(found) == bool(wrong)
    assert wrong in found


def test_sets_that_hang_together_are_one() -> None:
    one, two, three, four = (LessonId(RunId(1), number, "a") for number in range(1, 5))

    assert connected([(one, two), (three, four), (two, three)]) == [(one, two, three, four)]
    assert connected([(one, two), (three, four)]) == [(one, two), (three, four)]
    assert connected([]) == []


def test_after_a_verdict_only_the_group_of_that_lesson_is_asked_about_again(
    folder: Path, gitskill: Run, server: FaultServer
) -> None:
    def script(seen: Seen) -> Reaction:
        if seen.json["response_format"]["json_schema"]["name"] == "Decisions":
            first, *others = names(seen)
            return decisions({"lessons": [first]}, {"do": "drop", "lessons": others, "reason": "the first is enough"})
        number = int(re.findall(r"sheet number (\d+)", seen.text)[-1])
        old, section = (OLD, "Writing") if number < 3 else ("Store dates as dates.", "Dates")
        edit = {"op": "replace_in_section", "file": "SKILL.md", "target_section": section, "old_text": old}
        told = f"{old[:-1]}, way {number}."
        return ok(lessons(lesson(*quotable(seen.text), told, edits=[edit | {"content": told}])))

    server.script = script
    place, labels = runs(folder.parent / "runs", good=6)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    assert gitskill(folder, "evolve", "--fan-in", "3", "--min-support", "1").code == 0
    assert settled(server) == 2
    before = len(server.seen)

    gitskill(folder, "review", "--reject", "l0001a", "--reason", "no")
    done = json.loads(gitskill(folder, "consolidate", "--min-support", "1", "--json").out)

    assert (settled(server), len(server.seen)) == (3, before + 1)
    assert done["lessons"] == {
        **dict.fromkeys(("folded", "held", "pending"), 0),
        "proposed": 6,
        "merged": 2,
        "dropped": 3,
        "rejected": 1,
    }
    assert "way 1." in skill(folder, done)
