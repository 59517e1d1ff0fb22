"""The path policy, against names that broke other tools and against git itself."""

import subprocess
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitskill.checks.finding import Level
from gitskill.checks.paths import case_clash, change_findings, name_problem, path_problem

GOOD = [
    "SKILL.md",
    "references/a.md",
    "references/A-b_c.d.md",
    "references/deep/er/still/there/x.md",
    "references/README.md",
    "references/console.md",
    "references/com.md",
    "references/com10.md",
    "references/git.md",
    "scripts/run",
    "scripts/0.py",
    "scripts/pkg/init.py",
    "assets/logo.png",
    "assets/x.tar.gz",
    "references/" + "a" * 61 + ".md",
]

BAD = {
    "": "empty",
    ".": "here",
    "..": "up",
    "/etc/passwd": "absolute",
    "../../etc/passwd": "traversal",
    "references/../SKILL.md": "up again",
    "references/./a.md": "dot",
    "references//a.md": "empty component",
    "references/": "empty last component",
    "references": "a folder as a file",
    "scripts": "a folder as a file",
    "SKILL.md/a.md": "a file as a folder",
    "skill.md": "case",
    "Skill.md": "case",
    "SKILL.MD": "case",
    "References/a.md": "case of a folder",
    "README.md": "elsewhere",
    "evals/evals.json": "elsewhere",
    "docs/a.md": "elsewhere",
    "references/a.txt": "suffix",
    "references/a": "no suffix",
    "references/a.md.exe": "suffix",
    "references/a.MD": "suffix in capitals",
    ".git": "git",
    ".git/config": "git",
    ".git/hooks/pre-commit": "git",
    "scripts/.git/config": "git",
    "scripts/.GIT/config": "git",
    "scripts/.git\u200c/config": "git with a zero-width character",
    "scripts/.g\u200cit/config": "git with a character that HFS ignores",
    "scripts/\u2060.git/config": "git with a character that HFS ignores",
    "scripts/git~1": "git as NTFS shortens it",
    "scripts/GIT~2/config": "git as NTFS shortens it",
    "scripts/.git.": "git as Windows reads it",
    "scripts/.git ": "git as Windows reads it",
    "scripts/.git::$INDEX_ALLOCATION": "git as NTFS streams it",
    "scripts/.git\\config": "backslash",
    "scripts\\x.py": "backslash",
    "C:/x.md": "drive",
    ".gitattributes": "git reads it",
    "references/.gitattributes": "git reads it",
    "scripts/.gitmodules": "git reads it",
    "scripts/.gitignore": "git reads it",
    "scripts/.hidden": "dot first",
    "scripts/-rf": "dash first",
    "scripts/_x": "underscore first",
    "scripts/~x": "tilde first",
    "scripts/a b": "space",
    "scripts/a\nb": "newline",
    "scripts/a\tb": "tab",
    "scripts/a\rb": "carriage return",
    "scripts/a\n": "newline at the end",
    "scripts/a\0b": "NUL",
    "scripts/a\x1b[2Jb": "terminal escape",
    "scripts/a\u202egnp.py": "direction",
    "scripts/a\u2066b": "direction",
    "scripts/a\U000e0041": "tag",
    "scripts/e\u0301": "decomposed",
    "scripts/\u00e9": "composed",
    "scripts/\u0430dmin.py": "Cyrillic",
    "scripts/\u00b2": "a digit to Unicode",
    "scripts/\udcff": "no UTF-8",
    "scripts/a:b": "stream",
    "scripts/a*": "star",
    "scripts/a?": "question mark",
    'scripts/"a"': "quote",
    "scripts/a|b": "pipe",
    "scripts/$HOME": "variable",
    "scripts/`id`": "command",
    "scripts/a.": "trailing dot",
    "scripts/a./b": "trailing dot of a folder",
    "scripts/CON": "device",
    "scripts/con.py": "device with a suffix",
    "scripts/aux/x.py": "device as a folder",
    "references/nul.md": "device",
    "references/Prn.tar.md": "device with two suffixes",
    "references/com0.md": "device",
    "references/COM9.md": "device",
    "references/lpt1.md": "device",
    "assets/" + "a" * 65: "long component",
    "assets/a/b/c/d/e/f": "deep",
    "assets/" + "/".join(["a" * 63] * 3) + "bc": "long path",
}


@pytest.mark.parametrize("path", GOOD)
def test_an_ordinary_path_is_fine(path: str) -> None:
    assert path_problem(path) == ""


@pytest.mark.parametrize("path", BAD, ids=[f"{n} {why}" for n, why in enumerate(BAD.values())])
def test_a_bad_path_is_refused_in_one_printable_line(path: str) -> None:
    problem = path_problem(path)

    assert problem
    assert problem.isprintable()


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("assets/" + "a" * 65, "up to 63"),
        ("assets/a/b/c/d/e/f", "deeper than 6"),
        ("assets/" + "/".join(["a" * 60] * 3) + "/" + "b" * 11, "longer than 200 bytes"),
        ("assets/" + "\u00e9" * 97, "longer than 200 bytes"),
        ("assets/e\u0301", "normal form C"),
        ("assets/con.x", "device on Windows"),
        ("assets/x.", "Windows shortens"),
        ("LICENSE.txt", "neither SKILL.md nor in"),
        ("references/x.py", "does not end with .md"),
    ],
)
def test_the_problem_names_the_rule(path: str, word: str) -> None:
    assert word in path_problem(path)


def test_the_longest_and_deepest_paths_are_fine() -> None:
    assert path_problem("assets/" + "/".join(["a" * 60] * 3) + "/" + "b" * 10) == ""
    assert path_problem("assets/b/c/d/e/f") == ""
    assert path_problem("assets/" + "a" * 64) == ""


def test_a_safe_name_may_stand_anywhere_in_a_whole_skill() -> None:
    assert name_problem("LICENSE.txt") == ""
    assert name_problem("evals/evals.json") == ""
    assert name_problem("evals/.git")


@pytest.mark.parametrize(
    ("paths", "clashes"),
    [
        (["references/a.md", "references/b.md", "references/c/a.md"], []),
        (["references/a.md", "references/a.md"], []),
        (["references/A.md", "references/a.md"], [("references/A.md", "references/a.md")]),
        (["references/A/x.md", "references/a/y.md"], [("references/A/x.md", "references/a/y.md")]),
        (["references/A/B/x.md", "references/A/b/y.md"], [("references/A/B/x.md", "references/A/b/y.md")]),
        (["assets/a", "assets/a/b"], [("assets/a", "assets/a/b")]),
        (["assets/A/b", "assets/a"], [("assets/A/b", "assets/a")]),
        (["assets/a", "assets/a-b", "assets/a/b"], [("assets/a", "assets/a/b")]),
        (["assets/stra\u00dfe", "assets/STRASSE"], [("assets/STRASSE", "assets/stra\u00dfe")]),
        (["assets/\u00e9", "assets/e\u0301"], [("assets/e\u0301", "assets/\u00e9")]),
        (["skill.md", "SKILL.md", "Skill.md"], [("SKILL.md", "Skill.md"), ("SKILL.md", "skill.md")]),
    ],
)
def test_paths_that_one_file_system_cannot_hold(paths: list[str], clashes: list[tuple[str, str]]) -> None:
    assert case_clash(paths) == clashes
    assert case_clash(reversed(paths)) == clashes


def test_a_change_is_checked_against_the_skill_it_meets() -> None:
    existing = ["SKILL.md", "LICENSE.txt", "references/a.md", "assets/X", "assets/x"]

    found = change_findings(["SKILL.md", "references/A.md", "evil\u202e"], existing)

    assert [(f.check, f.level, f.path, f.line) for f in found] == [
        ("path", Level.INVALID, "evil\u202e", None),
        ("path", Level.INVALID, "references/a.md", None),
    ]
    assert "\\u202e" in found[0].message
    assert "'references/A.md'" in found[1].message


def test_a_clash_that_was_there_does_not_hinder_a_change() -> None:
    assert change_findings(["SKILL.md", "assets/y"], ["SKILL.md", "assets/X", "assets/x"]) == ()


# --- against git ---

NASTY = [*"/.-_~ \n\r\t\0\\:*?\"<>|$`'%\u200c\u200d\u2060\ufeff\u202e\u2066\u0301\u00e9\u00df\u0130\ud800\U000e0041aZ0"]
PARTS = [
    *("SKILL.md", "skill.md", "references", "References", "scripts", "assets", "a.md", "A.md", "b.md", "x.py", "X.py"),
    *("c", "C", "deep", "v1.2", "a" * 64, "a" * 65, "con", "CON.md", "aux.md", "com1", "lpt9.md", "nul", "com", "conx"),
    *(".git", ".GIT", "git", "git~1", "GIT~1", ".gitmodules", ".gitattributes", ".g\u200cit", "gitmodules", "gi7eba~1"),
    *("..", ".", "", "-rf", "a.", "a..b", "a\nb", "\u202e", "e\u0301.md", "\u00e9.md", "x.md"),
]
MUTATED = st.builds(
    lambda path, at, removed, added: path[: at % len(path)] + added + path[at % len(path) + removed :],
    st.sampled_from(GOOD),
    st.integers(0, 79),
    st.integers(0, 3),
    st.sampled_from([*NASTY, "", "b", "Q", "/x", "/c/", "9.md"]),
)
ROOTED = st.builds(
    lambda root, parts: "/".join([root, *parts]),
    st.sampled_from(["references", "scripts", "assets"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=6),
)
SPELLED = st.builds("assets/{}".format, st.text(st.sampled_from([*NASTY, *"bcGIT1"]), max_size=6))
PATHS = st.one_of(MUTATED, ROOTED, SPELLED, st.text(max_size=12))


class CaseBlindDisk:
    """A disk as macOS and Windows have it: one entry per name, whatever its case."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, bool]] = {}

    def write(self, path: str) -> None:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            name, is_file = "/".join(parts[:depth]), depth == len(parts)
            assert self.entries.setdefault(name.lower(), (name, is_file)) == (name, is_file), path


def test_git_takes_all_that_the_policy_accepts(tmp_path: Path) -> None:
    accepted = set()

    @settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(PATHS)
    def collect(path: str) -> None:
        if not path_problem(path):
            accepted.add(path)

    collect()

    assert len(accepted) > 500
    repo = pygit2.init_repository(tmp_path, initial_head="main")
    repo.config["core.protectHFS"] = repo.config["core.protectNTFS"] = True
    for number, batch in enumerate(without_clashes(accepted)):
        disk = CaseBlindDisk()
        for path in batch:
            disk.write(path)
        commit_and_check_out(repo, batch, f"refs/heads/batch{number}")
    assert git(tmp_path, "fsck", "--strict", "--no-dangling") == ""


def without_clashes(paths: set[str]) -> list[list[str]]:
    batches = []
    while paths:
        later = {other for _, other in case_clash(paths)}
        batches.append(sorted(paths - later))
        paths = later
    return batches


def commit_and_check_out(repo: pygit2.Repository, paths: list[str], ref: str) -> None:
    blob = repo.create_blob(b"x\n")
    index = pygit2.Index()
    for path in paths:
        index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("A", "a@example.com", 0, 0)
    tree = index.write_tree(repo)
    repo.create_commit(ref, who, who, "x", tree, [])
    root = Path(repo.workdir)
    git(root, "read-tree", "--empty")
    git(root, "update-index", "--index-info", text="".join(f"100644 {blob}\t{path}\n" for path in paths))
    assert git(root, "write-tree") == f"{tree}\n"
    git(root, "read-tree", str(tree))
    git(root, "checkout-index", "--all", f"--prefix=out-{ref.rpartition('/')[2]}/")
    out = root / f"out-{ref.rpartition('/')[2]}"
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) == paths


def git(root: Path, *args: str, text: str = "") -> str:
    command = ["git", "-c", "core.protectHFS=true", "-c", "core.protectNTFS=true", *args]
    done = subprocess.run(command, cwd=root, input=text, capture_output=True, text=True, check=True)
    return done.stdout
