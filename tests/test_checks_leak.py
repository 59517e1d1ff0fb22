"""What belongs to one task is kept out of the skill; what is anybody's may stand in it."""

import random

import pytest

from conftest import SHARED, SKILL
from gitskill.analysts.draft import Draft, Studied
from gitskill.analysts.offline.study import study
from gitskill.checks.finding import Finding, Level
from gitskill.checks.leak import Source, leak_findings
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source as File
from gitskill.formats.table import recognised
from gitskill.outcome import Status
from gitskill.skill.snapshot import Skill
from gitskill.trace import Artifact, Call, Origin, Step, Trace

BASE = Skill({"SKILL.md": f"{SKILL}\nRead notes_2023.csv with scripts/load.py; see retail-77.\n".encode()})
LAST = BASE.files["SKILL.md"].count(b"\n") + 1


def run(task: str = "", request: str = "", calls: str = "", result: str = "", *, solved: bool = True) -> Source:
    """Make a run that was asked `request`, ran `calls` and answered `result`."""
    step = Step(Origin.AGENT, "I look.", calls=(Call("bash", {"command": calls}),))
    return Source(Trace("own", "", request, (step,), result=result), task, solved)


def found(rule: str, source: Source, base: Skill = BASE) -> list[Finding]:
    skill = base.with_file("SKILL.md", base.files["SKILL.md"] + f"- {rule}\n".encode())
    return list(leak_findings(base, skill, {}, [source]))


def refused(rule: str, source: Source) -> list[str]:
    return [finding.message for finding in found(rule, source) if finding.level is Level.INVALID]


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ("airline-12", "This is airline-12."),
        ("airline-12", "This is Airline_12."),
        ("airline-12", "This is `airline12`."),
        ("sheets-118", "As in sheets 118."),
        ("118-50", "Row 118-50 is off."),
        ("59196", "Seen in 59196."),
        ("sympy__sympy-20428", "As sympy\\_\\_sympy-20428 showed."),
        ("sympy__sympy-20428", "Fixes #20428."),
        ("neubig/pr-viewer#51", "See neubig/pr-viewer#51."),
        ("text-0f3a9b2c4d5e", "See text-0f3a9b2c4d5e.json."),
        ("configure-git-webserver", "To configure-git-webserver, wait."),
        ("Fill in the missing dates", "Fill in the missing dates first."),
    ],
)
def test_the_id_of_the_task_is_refused_however_it_is_joined(task: str, rule: str) -> None:
    assert set(refused(rule, run(task))) == {f"holds the id of its task: {task}"}
    assert refused(rule, Source(Trace("own", task, "", ()), "other")) != []


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ("42", "Wait 42 seconds."),
        ("1234", "Wait 1234 ms."),
        ("10000", "At most 10000 rows."),
        ("step-1", "After step-1, look."),
        ("utf-8", "Write utf-8."),
        ("q1", "Sum up q1."),
        ("1-10", "Pick 1-10."),
        ("case4", "In case 4 of them differ, stop."),
        ("airline-1", "See airline-12 and xairline-1."),
        ("hello-world", "Run hello-world first."),
        ("20428", "Take 1.20428 and 20428.5 and x20428."),
        ("retail-77", "See retail-77 again."),
        ("", "Nothing at all."),
        ("q-12", "Take q-12."),
        ("1000000", "At most 1000000 rows."),
        ("ab-1-" * 50, "ab-1-" * 50),
    ],
)
def test_an_id_that_could_be_anything_else_or_that_the_skill_has_is_left_alone(task: str, rule: str) -> None:
    assert refused(rule, run(task)) == []


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        ("Sum report_2024_q3.xlsx.", "Open `report_2024_q3.xlsx` twice."),
        ("Sum /work/in/report_2024_q3.xlsx.", "Open in/report_2024_q3.xlsx twice."),
        ("Sum report_2024_q3.xlsx.", "Open data/report_2024_q3.xlsx twice."),
        ("Count in /testbed/dir3/subdir1/file.txt", "Count in /testbed/dir3/subdir1/file.txt."),
        ("Count in /testbed/dir3/subdir1/FooBar", "Never touch dir3/subdir1/FooBar."),
        ("Count in /testbed/dir3/subdir1/x.txt", "Look at /testbed/dir3 first."),
        ("Write to /app/output.txt", "Write to /app/output.txt."),
        ("Write to /tmp/answer/x.json", "Write to /tmp/answer/x.json."),
        ("Join quarterly_sales.csv", "Join quarterly_sales.csv with care."),
        ("See src/_pytest/fixtures.py", "The bug is in src/_pytest/fixtures.py"),
        ("Get https://host.example/data/sales_17.csv", "Sort sales_17.csv."),
    ],
)
def test_the_files_of_the_request_are_refused_by_any_part_of_their_path(request_: str, rule: str) -> None:
    [message] = refused(rule, run(request=request_))

    assert message.startswith("names a file of its task: ")


def test_files_that_only_the_agent_named_are_refused_where_they_are_surely_the_tasks() -> None:
    acted = run(calls="python /work/check_7166.py; bin/test tests/runtests.py /tmp/try_it.py; cat /usr/lib/x_9/y_9.txt")

    assert refused("Run check_7166.py.", acted) == ["names a file of its task: check_7166.py"]
    assert refused("Run /work/check_7166.py.", acted) == ["names a file of its task: /work/check_7166.py"]
    assert refused("Run `tests/runtests.py` in /tmp/try_it.py; see x_9/y_9.txt.", acted) == []


def test_what_the_run_left_behind_is_the_tasks() -> None:
    trace = Trace("own", "", "", (), artifacts=(Artifact("out/merged_sales.xlsx", ""),))

    assert refused("Save as merged_sales.xlsx.", Source(trace, "")) == ["names a file of its task: merged_sales.xlsx"]


@pytest.mark.parametrize(
    "name",
    [
        "SKILL.md",
        "setup.py",
        "README.md",
        "package.json",
        "requirements-dev.txt",
        "Makefile",
        "tests/conftest.py",
        "src/__init__.py",
        "data.csv",
        "file1.txt",
        "output.xlsx",
        "docker-compose.yml",
        ".github/workflows/deploy_9.yml",
        "~/.ssh/config_2",
        "/etc/nginx/site_7.conf",
        "/dev/null",
        "/usr/local/lib/python3.10/site.py",
        "notes_2023.csv",
        "/skills/sheets/scripts/load.py",
        "sha256.txt",
        "https://docs.example.org/a7/b",
        "and/or",
        "self.items",
        "np.array",
        "1/2/2024",
    ],
)
def test_names_that_are_anybodys_or_the_skills_own_are_left_alone(name: str) -> None:
    base = BASE.with_file("scripts/load.py", b"")

    assert found(f"Look at `{name}` first.", run(request=f"Look at {name} now", calls=f"cat {name}"), base) == []


def test_a_name_that_may_be_anybodys_is_a_warning() -> None:
    [finding] = found("Split the old grammar.py in two.", run(request="Mend grammar.py"))

    assert (finding.level, finding.message) == (Level.WARNING, "names a file of its task: grammar.py")
    assert found("Split the old grammar.py in two.", run(request="Mend parser.py")) == []


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        ("17.25 EUR", "The sum was 17.25 EUR."),
        ("totalRevenue", "It is totalRevenue."),
        ("`order_total`.", "It is order_total, always."),
        ('"violet"', "It is violet."),
        ("find /workspace -type f -delete", "Run `find /workspace\n  -type f -delete` at once."),
        ("So I looked.\nFinal answer: Lyon 1893", "It was Lyon 1893."),
        ("Thus \\boxed{x_1 + 12}", "Give x_1 + 12."),
    ],
)
def test_the_answer_of_a_run_that_solved_its_task_is_refused_and_that_of_a_failed_one_is_not(
    result: str, rule: str
) -> None:
    assert [message.partition(":")[0] for message in refused(rule, run(result=result))] == [
        "holds the answer of its run"
    ]
    assert refused(rule, run(result=result, solved=False)) == []


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        ("Yes", "Yes."),
        ("12345", "Give 12345."),
        ("violet", "It is violet."),
        ("Use prepared statements.", "Use prepared statements."),
        ("ls -la /x", "Run ls -la /x."),
        ("order_total", "Not order_totals, not my_order_total."),
        ("word 1 " * 200, "word 1 " * 200),
        ("", "Nothing."),
        ("notes_2023.csv", "Read notes_2023.csv."),
    ],
)
def test_an_answer_that_is_short_plain_long_or_known_is_left_alone(result: str, rule: str) -> None:
    assert refused(rule, run(result=result)) == []


def test_a_leak_is_found_in_the_line_that_adds_it_in_names_of_new_files_and_in_the_words() -> None:
    skill = Skill({"SKILL.md": BASE.files["SKILL.md"] + b"\nFine.\nAs airline-12.\n", "references/airline-12.md": b"x"})

    places = leak_findings(BASE, skill, {"title": "Check airline-12"}, [run("airline-12")])

    assert [(item.check, item.path, item.line) for item in places] == [
        ("leak", "SKILL.md", LAST + 2),
        ("leak", "references/airline-12.md", None),
        ("leak", "", None),
    ]
    assert leak_findings(skill, skill, {}, [run("airline-12")]) == ()


def test_every_source_counts_and_what_is_shown_is_safe() -> None:
    [message] = refused("It is 17.25\x1bEUR.", run(result="17.25\x1bEUR"))

    assert message == "holds the answer of its run: 17.25\\u{1b}EUR"
    both = leak_findings(BASE, BASE, {"rule": "mail-31 and mail-32"}, [run("mail-31"), run("mail-32")])
    assert len(both) == 2


def real_drafts() -> list[tuple[Source, Draft]]:
    """Give what the analyst without a model proposes for real runs, with the run that taught it."""
    readings = [
        item
        for path in sorted((SHARED / "trajectories").rglob("*"))
        if path.is_file() and path.parts[-2:-1] != ("reflexion",) and path.suffix in {".json", ".jsonl", ".traj"}
        for format_ in recognised(File(path))[:1]
        for item in format_.read(File(path))
        if isinstance(item, Reading)
    ]
    studied = {str(number): Studied(str(number), item.trace, item.outcome) for number, item in enumerate(readings)}
    sources = {
        key: Source(one.trace, one.trace.task, one.outcome.status is Status.SUCCESS) for key, one in studied.items()
    }
    return [(sources[key], draft) for key, drafts in study(list(studied.values())).lessons.items() for draft in drafts]


def test_no_draft_from_real_runs_is_refused_and_each_is_once_the_task_is_named() -> None:
    drafts = real_drafts()
    dice = random.Random(1)  # noqa: S311 - a sample that is always the same
    leaky = [(source, draft) for source, draft in drafts if source.trace.task]

    assert len(drafts) > 100
    assert [draft.rule for source, draft in drafts if found(draft.rule, source)] == []
    for source, draft in dice.sample(leaky, 40):
        assert refused(f"{draft.rule} Seen in {source.trace.task}.", source)
