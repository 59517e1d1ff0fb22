"""gitskill lesson add: a person's lesson becomes a commit on a branch of its own, and nothing else moves."""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state

Run = Callable[..., Done]

APPEND = '- {op: append_to_section, file: SKILL.md, target_section: Writing, content: "- Recalculate."}\n'
SAVE = "- Save to a new file."

DIFF = """\
--- a/SKILL.md
+++ b/SKILL.md
@@ -9,3 +9,4 @@

 - Save to a new file.
 - Keep formulas as formulas.
+- Recalculate.
"""


@pytest.fixture
def edits(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write what is given to a file outside the repository."""

    def call(content: str | bytes) -> Path:
        path = tmp_path / "given"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return path

    return call


@pytest.fixture
def add(folder: Path, gitskill: Run, edits: Callable[[str | bytes], Path]) -> Run:
    """Add a lesson: `add(APPEND, "--title", "T")`; what is not given is filled in."""

    def call(content: str | bytes, *more: str, option: str = "--edits") -> Done:
        given = [word.partition("=")[0] for word in more]
        rest = [word for name in ("--title", "--why") if name not in given for word in (name, name[2:])]
        return gitskill(folder, "lesson", "add", option, str(edits(content)), *rest, *more)

    return call


def message(folder: Path, branch: str) -> str:
    return git(folder, "log", "-1", "--format=%B", branch)


def refs(folder: Path) -> list[str]:
    return git(folder, "for-each-ref", "--format=%(refname)").split()


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_lesson_becomes_a_commit_on_its_own_branch_and_nothing_else_moves(folder: Path, add: Run) -> None:
    (folder / "SKILL.md").write_text(SKILL + "\nMy unsaved work.\n")
    (folder / "notes.txt").write_text("mine")
    git(folder, "add", "notes.txt")
    before = state(folder)

    done = add(APPEND, "--title", "Recalculate after writing", "--why", "a cached value looks right\nand is stale")

    branch = "gitskill/r0001/l0001a-recalculate-after-writing"
    assert (done.code, done.out) == (0, "r0001/l0001a  Recalculate after writing\n")
    assert "gitskill show r0001/l0001a" in done.err
    assert "gitskill merge r0001/l0001a" in done.err
    assert state(folder) == before
    assert refs(folder) == [
        "refs/gitskill/oplog",
        "refs/gitskill/runs/r0001",
        f"refs/heads/{branch}",
        "refs/heads/main",
    ]
    assert message(folder, branch) == (
        "Recalculate after writing\n\na cached value looks right\nand is stale\n\n"
        "Gitskill-Run: r0001\nLesson: l0001a\nAnalyst: person\n\n"
    )
    assert git(folder, "rev-parse", f"{branch}^") == git(folder, "rev-parse", "main")
    added = SKILL.replace("as formulas.\n", "as formulas.\n- Recalculate.\n")
    assert git(folder, "show", f"{branch}:SKILL.md") == added
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""


def test_json_names_the_lesson_its_commit_and_its_branch(folder: Path, add: Run) -> None:
    done = add(APPEND, "--title", "Recalculate", "--json")

    branch = "gitskill/r0001/l0001a-recalculate"
    commit = git(folder, "rev-parse", branch).strip()
    assert json.loads(done.out) == {"lesson": "r0001/l0001a", "commit": commit, "branch": branch}
    assert (done.code, done.err) == (0, "")


def test_the_next_lesson_takes_the_next_slot_of_the_same_run(add: Run) -> None:
    add(APPEND)

    assert add(APPEND).out == "r0001/l0002a  title\n"


def test_a_changed_skill_begins_a_new_run_and_other_files_do_not(folder: Path, add: Run) -> None:
    add(APPEND)
    (folder / "README.md").write_text("about")
    commit_all(folder, "Readme")
    assert add(APPEND).out == "r0001/l0002a  title\n"

    (folder / "SKILL.md").write_text(SKILL + "\nMore.\n")
    commit_all(folder, "More")

    assert add(APPEND).out == "r0002/l0001a  title\n"
    assert add(APPEND, "--run", "r0001").out == "r0001/l0003a  title\n"


def test_a_run_that_does_not_exist_is_refused(add: Run) -> None:
    assert add(APPEND, "--run", "r0009") == Done(
        3, "", "gitskill: there is no run r0009 of this skill\nhint: leave --run out to begin one\n"
    )
    assert add(APPEND, "--run", "R1") == Done(3, "", "gitskill: 'R1' is not a run: runs look like r0007\n")


def test_a_diff_from_git_is_taken_as_it_is(folder: Path, add: Run) -> None:
    (folder / "SKILL.md").write_text(SKILL.replace("as formulas.\n", "as formulas.\n- Recalculate.\n"))
    diff = git(folder, "diff")

    assert add(diff, option="--diff").out == "r0001/l0001a  title\n"
    assert git(folder, "show", "gitskill/r0001/l0001a-title:SKILL.md") == (folder / "SKILL.md").read_text()


@pytest.mark.parametrize(("option", "content"), [("--diff", DIFF), ("--edits", APPEND)])
def test_a_dash_means_stdin(
    option: str, content: str, folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin(monkeypatch, content.encode())

    done = gitskill(folder, "lesson", "add", "--title", "t", "--why", "w", option, "-")

    assert (done.code, done.out) == (0, "r0001/l0001a  t\n")
    assert "- Recalculate." in git(folder, "show", "gitskill/r0001/l0001a-t:SKILL.md")


def test_a_skill_in_a_folder_takes_a_diff_of_the_repository_and_one_of_the_folder(
    tmp_path: Path, gitskill: Run
) -> None:
    skill = tmp_path / "repo" / "skills" / "sheets"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text(SKILL)
    git(tmp_path / "repo", "init", "-q", "-b", "main")
    commit_all(tmp_path / "repo", "Base")
    whole = DIFF.replace("/SKILL.md", "/skills/sheets/SKILL.md")

    for number, diff in enumerate([whole, DIFF], 1):
        (tmp_path / "given").write_text(diff)
        done = gitskill(skill, "lesson", "add", "--title", "t", "--why", "w", "--diff", str(tmp_path / "given"))
        assert done.out == f"r0001/l000{number}a  t\n"

    one, two = (f"gitskill/r0001/l000{number}a-t:skills/sheets/SKILL.md" for number in (1, 2))
    assert "- Recalculate." in git(skill, "show", one)
    assert git(skill, "rev-parse", one) == git(skill, "rev-parse", two)


UNREADABLE = {
    "missing": "No such file or directory",
    "folder": "Is a directory",
}


@pytest.mark.parametrize("option", ["--edits", "--diff"])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    kind: str, option: str, folder: Path, tmp_path: Path, gitskill: Run
) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / kind

    done = gitskill(folder, "lesson", "add", "--title", "t", "--why", "w", option, str(path))

    assert done == Done(3, "", f"gitskill: {path} cannot be read: {UNREADABLE[kind]}\n")


@pytest.mark.parametrize("option", ["--edits", "--diff"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(bytes(range(256)), "is not UTF-8 (byte 128)", id="binary"),
        pytest.param(b"\xff\xfe", "is not UTF-8 (byte 0)", id="utf-16"),
        pytest.param(b"x" * 70_000, "longer than 65536 bytes", id="huge"),
        pytest.param(b"{", "", id="half-a-document"),
        pytest.param(b"hello\n", "", id="prose"),
    ],
)
def test_input_that_is_neither_edits_nor_a_diff_is_refused_in_one_line_that_names_the_file(
    content: bytes, reason: str, option: str, folder: Path, add: Run, tmp_path: Path
) -> None:
    before = refs(folder)

    done = add(content, option=option)

    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert done.err.startswith("gitskill: ")
    assert reason in done.err
    assert str(tmp_path / "given") in done.err
    assert refs(folder) == before


@pytest.mark.parametrize("option", ["--edits", "--diff"])
def test_a_file_without_end_is_refused_before_it_is_read(
    option: str, folder: Path, tmp_path: Path, gitskill: Run
) -> None:
    with (tmp_path / "given").open("wb") as file:
        file.truncate(10**12)  # a hole: it takes no room on disk, and more memory than there is

    done = gitskill(folder, "lesson", "add", "--title", "t", "--why", "w", option, str(tmp_path / "given"))

    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert "longer than 65536 bytes" in done.err


BAD_EDITS = [
    pytest.param("[", "broken YAML", id="yaml-that-ends-early"),
    pytest.param('- "', "broken YAML", id="open-string"),
    pytest.param('[{"op": "create",}]', "it", id="json-with-a-comma-too-many"),
    pytest.param("42", "expected a list of edits", id="a-number"),
    pytest.param("[]", "expected a list of edits", id="no-edits"),
    pytest.param("edits: []", "expected a list of edits", id="no-edits-in-a-mapping"),
    pytest.param('[{"op": "create", "op": "create"}]', "a JSON object names a key twice", id="json-key-twice"),
    pytest.param("- &a [*a]", "an anchor (&name)", id="yaml-bomb"),
    pytest.param("- !!python/object/apply:os.system [id]", "a tag (!name)", id="yaml-tag"),
    pytest.param("[" * 5000, "nesting deeper than", id="deep-yaml"),
    pytest.param('{"a":' * 3000, "nesting deeper than", id="deep-json"),
    pytest.param("- 3", "edit 1: not a mapping", id="an-edit-that-is-a-number"),
    pytest.param("- {file: SKILL.md}", "edit 1: it has no 'op'", id="no-op"),
    pytest.param("- {op: frobnicate, file: SKILL.md}", "edit 1: unknown op 'frobnicate'", id="unknown-op"),
    pytest.param('[{"op": ["x"]}]', "edit 1: unknown op ['x']", id="op-is-a-list"),
    pytest.param(
        "- {op: create, file: references/a.md, content: x, colour: red}", "unknown key 'colour'", id="unknown-key"
    ),
    pytest.param("- {op: create, file: references/a.md}", "create needs 'content'", id="missing-key"),
    pytest.param('[{"op": "create", "file": 3, "content": "x"}]', "'file' must be text", id="file-is-a-number"),
    pytest.param(
        APPEND.replace("Writing", "Nope"), "edit 1 (append_to_section in SKILL.md): no section 'Nope'", id="no-section"
    ),
    pytest.param(APPEND.replace("SKILL.md", "nope.md"), "(append_to_section in nope.md): no such file", id="no-file"),
    pytest.param(
        "- {op: insert_after, file: SKILL.md, target_text: formulas, content: x}",
        "'formulas' found 3 times, at lines 11, 15: quote more of it",
        id="ambiguous-anchor",
    ),
    pytest.param(
        "- {op: insert_after, file: SKILL.md, target_text: zzz not here, content: x}",
        "'zzz not here' not found",
        id="anchor-not-found",
    ),
    pytest.param("- {op: delete_file, file: SKILL.md}", "a skill without SKILL.md is none", id="delete-skill-md"),
    pytest.param("- {op: create, file: ../x.md, content: x}", "'../x.md' has the name '..'", id="outside"),
    pytest.param("- {op: create, file: .git/config, content: x}", "'.git/config' has the name '.git'", id="git-folder"),
    pytest.param("- {op: create, file: scripts/../../x, content: x}", "has the name '..'", id="outside-in-disguise"),
    pytest.param("- {op: create, file: /etc/passwd, content: x}", "'/etc/passwd' is absolute", id="absolute"),
    pytest.param("- {op: create, file: README.md, content: x}", "is neither SKILL.md nor in references/", id="readme"),
    pytest.param(
        APPEND.replace("Recalculate", "\\u202Ehidden"), "line 12 hides U+202E (right-to-left override)", id="bidi"
    ),
    pytest.param(
        '[{"op": "create", "file": "references/a.md", "content": "\\u001b]0;x\\u0007"}]',
        "'content' must be text",
        id="escape-sequence",
    ),
    pytest.param(
        '- {op: replace_in_section, file: SKILL.md, old_text: "name: sheets", content: "name: other"}',
        "SKILL.md: the name changed from 'sheets' to 'other'",
        id="another-name",
    ),
]


@pytest.mark.parametrize(("content", "reason"), BAD_EDITS)
def test_bad_edits_are_refused_in_one_line_and_leave_no_trace(
    content: str, reason: str, folder: Path, add: Run
) -> None:
    before = state(folder), refs(folder)

    done = add(content)

    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert done.err.startswith("gitskill: ")
    assert reason in done.err
    assert (state(folder), refs(folder)) == before


def new_file(path: str, mode: str = "100644") -> str:
    head = f"diff --git a/{path} b/{path}\nnew file mode {mode}\nindex 0000000..587be6b\n"
    return f"{head}--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"


BAD_DIFFS = [
    pytest.param(new_file("README.md"), "'README.md' is neither SKILL.md nor in", id="another-file"),
    pytest.param(new_file("other/x.md"), "'other/x.md' is neither SKILL.md nor in", id="outside-the-skill"),
    pytest.param(new_file("../x.md"), "'../x.md' is no plain relative path", id="parent-folder"),
    pytest.param(new_file(".git/config"), "'.git/config' has the name '.git'", id="git-folder"),
    pytest.param(new_file("scripts/x.sh", "100755"), "plain files only: 'new file mode 100755'", id="executable"),
    pytest.param(new_file("scripts/x", "120000"), "plain files only: 'new file mode 120000'", id="symlink"),
    pytest.param(new_file("scripts/x", "160000"), "plain files only: 'new file mode 160000'", id="submodule"),
    pytest.param(
        "diff --git a/SKILL.md b/SKILL.md\nold mode 100644\nnew mode 100755\n", "'old mode 100644'", id="chmod"
    ),
    pytest.param(
        "diff --git a/SKILL.md b/S.md\nsimilarity index 90%\nrename from SKILL.md\nrename to S.md\n",
        "'similarity index 90%'",
        id="rename",
    ),
    pytest.param(
        "diff --git a/assets/a b/assets/a\nnew file mode 100644\nindex 0..1\nGIT binary patch\nliteral 1\nIcmZQz\n",
        "'GIT binary patch'",
        id="binary",
    ),
    pytest.param("Binary files a/x and b/x differ\n", "no diff found", id="binary-without-a-header"),
    pytest.param(DIFF.replace("Keep", "Lose"), "should be '- Lose formulas as formulas.'", id="does-not-apply"),
    pytest.param(DIFF.replace("SKILL", "nope"), "nope.md: no such file", id="no-such-file"),
    pytest.param(DIFF.replace("+- Recalculate.\n", ""), "changes nothing", id="changes-nothing"),
    pytest.param(DIFF + DIFF, "SKILL.md has two sections in the diff", id="one-file-twice"),
    pytest.param(DIFF.replace("Recalculate", "\x1b[31mx"), "SKILL.md: line 12 hides U+001B", id="escape-sequence"),
    pytest.param(new_file("references/\x1b[31m\u202e.md"), "has the name '\\x1b[31m\\u202e.md'", id="escape-in-a-name"),
]


@pytest.mark.parametrize(("content", "reason"), BAD_DIFFS)
def test_a_bad_diff_is_refused_in_one_line_and_leaves_no_trace(
    content: str, reason: str, folder: Path, add: Run
) -> None:
    before = state(folder), refs(folder)

    done = add(content, option="--diff")

    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert reason in done.err
    assert not {"\x1b", "\u202e"} & set(done.err)
    assert (state(folder), refs(folder)) == before


@pytest.mark.parametrize("options", [[], ["--edits", "x", "--diff", "y"]], ids=["neither", "both"])
def test_edits_or_a_diff_must_be_given_and_not_both(options: list[str], folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "lesson", "add", "--title", "t", "--why", "w", *options)

    assert (done.code, done.out) == (2, "")
    assert "give either --diff FILE or --edits FILE" in done.err


@pytest.mark.parametrize("missing", ["--title", "--why"])
def test_a_lesson_without_title_or_cause_is_a_usage_error(
    missing: str, folder: Path, gitskill: Run, edits: Callable[[str], Path]
) -> None:
    other = {"--title": "--why", "--why": "--title"}[missing]

    done = gitskill(folder, "lesson", "add", other, "x", "--edits", str(edits(APPEND)))

    assert (done.code, done.out) == (2, "")
    assert f"Missing option '{missing}'" in done.err


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        pytest.param("# Heading", "-heading", id="leading-hash"),
        pytest.param("-x", "-x", id="leading-dash"),
        pytest.param("--json", "-json", id="an-option"),
        pytest.param("Überprüfe 日本", "-berpr-fe", id="non-ascii"),
        pytest.param("🙂", "", id="emoji"),
        pytest.param("..", "", id="dots"),
        pytest.param("x.lock", "-x-lock", id="what-git-forbids-in-a-branch"),
        pytest.param("Trace: x", "-trace-x", id="a-trailer"),
        pytest.param("fixup! it", "-fixup-it", id="fixup"),
        pytest.param("x" * 200, "-" + "x" * 40, id="as-long-as-can-be"),
        pytest.param("words " * 20, "-words-words-words-words-words-words", id="many-words"),
    ],
)
def test_any_title_is_kept_and_makes_a_branch_that_git_takes(title: str, slug: str, folder: Path, add: Run) -> None:
    done = add(APPEND, f"--title={title}")

    assert (done.code, done.out) == (0, f"r0001/l0001a  {title.strip()}\n")
    assert f"refs/heads/gitskill/r0001/l0001a{slug}" in refs(folder)
    assert git(folder, "log", "-1", "--format=%s", f"gitskill/r0001/l0001a{slug}") == f"{title.strip()}\n"


def test_a_title_of_two_lines_becomes_one(folder: Path, add: Run) -> None:
    done = add(APPEND, "--title", "Recalculate\nalways\r\nthen save")

    title = "Recalculate always then save"
    assert done.out == f"r0001/l0001a  {title}\n"
    assert message(folder, "gitskill/r0001/l0001a-recalculate-always-then-save").startswith(f"{title}\n\nwhy\n")


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        pytest.param("", "a lesson needs a title", id="empty"),
        pytest.param(" \n ", "a lesson needs a title", id="blank"),
        pytest.param("x" * 300, "the title has 300 characters, at most 200 fit", id="300-characters"),
    ],
)
def test_a_title_that_cannot_be_a_subject_is_refused(title: str, reason: str, folder: Path, add: Run) -> None:
    before = refs(folder)

    assert add(APPEND, f"--title={title}") == Done(3, "", f"gitskill: {reason}\n")
    assert refs(folder) == before


@pytest.mark.parametrize("option", ["--title", "--why"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\x1b[31mred", id="colour"),
        pytest.param("\x1b]0;owned\x07", id="window-title"),
        pytest.param("good\u202edab", id="right-to-left"),
        pytest.param("a\u200bb", id="zero-width"),
        pytest.param(os.fsdecode(b"\xff"), id="not-utf-8"),
    ],
)
def test_hidden_text_is_not_committed_as_title_or_cause(text: str, option: str, folder: Path, add: Run) -> None:
    before = refs(folder)

    done = add(APPEND, f"{option}={text}")

    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert "hides U+" in done.err
    assert refs(folder) == before


def test_a_lesson_needs_a_cause(folder: Path, add: Run) -> None:
    before = refs(folder)

    done = add(APPEND, "--why= \n")

    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert refs(folder) == before


@pytest.mark.parametrize(
    "why",
    [
        "Trace: x",
        "Lesson: l9999a",
        "Gitskill-Run: r0099\nLesson: l9999a",
        "A cause.\n\nTrace: 1 task=2 failure\nEvidence: 1 step=2\n\nSupport: l0001a 9/9 traces 9 tasks",
        "Level: 1\nGroup: 1",
        "> a quote",
        "# not a heading\n---\n+++ b/SKILL.md",
    ],
)
def test_a_cause_that_looks_like_trailers_stays_a_cause(why: str, folder: Path, add: Run, gitskill: Run) -> None:
    add(APPEND, "--title", "T", "--why", why)

    shown = json.loads(gitskill(folder, "show", "l0001a", "--json").out)
    assert (shown["lesson"], shown["cause"], shown["state"]) == ("r0001/l0001a", why, "proposed")
    assert (shown["traces"], shown["evidence"], shown["support"]) == ([], [], 0)
    trailers = git(folder, "log", "-1", "--format=%(trailers:only)", "gitskill/r0001/l0001a-t")
    assert trailers == "Gitskill-Run: r0001\nLesson: l0001a\nAnalyst: person\n\n"


def test_a_warning_is_told_and_does_not_stop_the_lesson(add: Run) -> None:
    long = "\\n".join(f"- Rule {number}." for number in range(600))

    done = add(APPEND.replace("- Recalculate.", long), "--title", "Many")

    assert (done.code, done.out) == (0, "r0001/l0001a  Many\n")
    assert "  warning SKILL.md: 'SKILL.md' has 619 lines; the limit is 500\n" in done.err


def test_without_an_identity_the_lesson_is_refused_with_the_command_that_helps(
    folder: Path, add: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_COMMITTER_NAME")
    before = refs(folder)

    assert add(APPEND) == Done(
        3,
        "",
        'gitskill: git does not know who you are\nhint: git config --global user.name "Your Name", and user.email\n',
    )
    assert refs(folder) == before


@pytest.mark.parametrize("when", ["tomorrow", "-5", "9" * 20])
def test_a_clock_that_git_cannot_write_is_refused_before_anything_is_written(
    when: str, folder: Path, add: Run, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", when)
        done = add(APPEND)

    assert done == Done(3, "", f"gitskill: SOURCE_DATE_EPOCH is {when!r}, not a number of seconds\n")
    assert add(APPEND).code == 0
    assert gitskill(folder, "show", "l0001a").code == 0


@pytest.mark.parametrize("trailer", ["Gitskill-Run: next", "Gitskill-Run: r99999999999", "Lesson: learned"])
def test_a_commit_whose_trailers_only_look_like_ours_stops_no_lesson(trailer: str, folder: Path, add: Run) -> None:
    git(folder, "commit", "-q", "--allow-empty", "-m", f"My own commit\n\n{trailer}")

    done = add(APPEND)

    assert (done.code, done.out) == (0, "r0001/l0001a  title\n"), done.err


def test_a_branch_in_the_way_is_explained(folder: Path, add: Run) -> None:
    git(folder, "branch", "gitskill")

    done = add(APPEND)

    assert (done.code, done.out) == (5, "")
    assert done.err == (
        "gitskill: a branch is named 'gitskill', so branches below gitskill/ cannot be made\n"
        "hint: rename it, or choose another prefix: git config gitskill.prefix gitskill-lessons\n"
    )
    assert refs(folder) == ["refs/heads/gitskill", "refs/heads/main"]
