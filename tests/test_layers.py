"""The layers and the limits of the house, written down once and checked."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gitskill

PACKAGE = Path(gitskill.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT: dict[str, set[str]] = {  # a module or package: what of ours and of others' it may use
    "__init__": set(),
    "errors": set(),
    "ids": {"errors"},
    "visible": set(),
    "address": {"errors"},
    # values
    "trace": set(),
    "message": {"errors"},
    "skill": {"errors", "markdown_it", "unidiff", "yaml"},
    "lesson": {"errors", "ids", "message"},
    "node": {"errors", "ids", "message", "skill"},
    "redact": {"trace"},
    "fate": {"lesson"},
    "checks": {"fate", "lesson", "markdown_it", "redact", "skill", "trace", "visible"},
    "version": {"skill"},
    "codec": {"errors"},
    "trace_document": {"codec", "errors", "trace"},
    "outcome": set(),
    "labels": {"errors", "outcome"},
    "tasks": {"errors", "trace"},
    "plan": {"errors", "outcome"},
    "config": {"errors", "skill"},
    "record": {"errors", "ids", "skill", "version"},
    # edges
    "store": {"address", "errors", "ids", "lesson", "message", "node", "pygit2", "record", "skill", "version"}
    | {"codec", "fate", "outcome", "plan", "trace", "trace_document"},
    "disk": {"errors", "skill"},
    "formats": {"codec", "errors", "outcome", "trace", "trace_document", "zstandard"},
    "resources": set(),
    "prompts": {"errors", "resources"},
    "messages": {"jinja2", "resources", "visible"},
    "sandbox": {"errors"},
    "model": {"codec", "errors", "genai_prices", "httpx2", "openai", "pydantic", "pydantic_core", "resources"},
    "forge": {"address", "errors", "httpx2", "model"},  # of model only its wire: who may be talked to, and how
    "judge": {"errors", "outcome"},
    # steps
    "analysts": {"errors", "ids", "lesson", "model", "outcome", "prompts", "pydantic", "sandbox", "skill", "trace"},
    "labelling": {"judge", "labels", "outcome", "store"},
    "intake": {"formats", "outcome", "redact", "store", "tasks", "trace", "trace_document"},
    "materials": {"analysts", "outcome", "plan", "store"},
    "examine": {"analysts", "checks", "errors", "fate", "ids", "lesson", "message", "outcome"}
    | {"redact", "skill", "store"},
    "analyse": {"analysts", "errors", "examine", "fate", "ids", "model", "plan", "store"},
    "engine": {"analyse", "analysts", "examine", "fate", "plan", "skill"},
    "trying": {"analysts", "errors", "judge", "model", "outcome", "sandbox", "skill", "trace_document"},
    "drafting": {"analysts", "checks", "errors", "model", "prompts", "pydantic", "redact", "skill"},
    "start": {
        "checks",
        "disk",
        "drafting",
        "errors",
        "ids",
        "message",
        "record",
        "resources",
        "skill",
        "store",
        "version",
    },
    "export": {"checks", "errors", "skill"},
    "guard": {"checks", "errors", "ids", "message", "skill", "store"},
    "install": {"codec", "errors", "resources", "store"},
    "merging": {"skill"},
    "vetting": {"errors", "ids", "redact", "store"},
    "shared": {"errors", "ids", "redact", "store", "vetting"},
    "sync": {"errors", "ids", "redact", "shared", "store", "vetting"},
    "propose": {"checks", "errors", "ids", "lesson", "plan", "skill", "store"},
    "consolidate": {"analysts", "checks", "errors", "fate", "ids", "lesson", "model", "node", "prompts", "pydantic"}
    | {"skill", "store"},
    "report": {
        "analysts",
        "checks",
        "errors",
        "fate",
        "ids",
        "jinja2",
        "markupsafe",
        "message",
        "model",
        "plan",
        "lesson",
        "messages",
        "node",
        "outcome",
        "record",
        "resources",
        "skill",
        "store",
        "trace",
        "version",
        "visible",
    },
    "release": {
        "checks",
        "errors",
        "ids",
        "message",
        "node",
        "record",
        "redact",
        "report",
        "skill",
        "store",
        "version",
    },
    "ontop": {"ids", "message", "record", "release", "store", "version"},
    "rollback": {"checks", "errors", "ids", "ontop", "release", "store"},
    "drop": {"checks", "consolidate", "errors", "ids", "message", "node", "ontop", "release", "skill", "store"},
    "verify": {"checks", "errors", "record", "skill", "store", "version"},
    "publish": {"errors", "forge", "ids", "store"},
    "amend": {"checks", "errors", "ids", "lesson", "message", "skill", "store"},
    "onto": {"codec", "errors", "fate", "ids", "lesson", "plan", "skill", "store"},
    "review": {"checks", "consolidate", "errors", "fate", "ids", "message", "onto", "plan", "report", "skill", "store"},
    # terminal
    "cli": {
        "amend",
        "analyse",
        "analysts",
        "checks",
        "click",
        "codec",
        "config",
        "consolidate",
        "disk",
        "drop",
        "drafting",
        "engine",
        "errors",
        "examine",
        "export",
        "fate",
        "forge",
        "formats",
        "guard",
        "ids",
        "install",
        "intake",
        "judge",
        "labelling",
        "labels",
        "materials",
        "merging",
        "model",
        "node",
        "onto",
        "outcome",
        "plan",
        "prompts",
        "propose",
        "publish",
        "pygit2",
        "redact",
        "release",
        "report",
        "resources",
        "review",
        "rollback",
        "sandbox",
        "skill",
        "start",
        "store",
        "sync",
        "tasks",
        "trace",
        "trace_document",
        "trying",
        "verify",
        "visible",
    },
}

ENVIRONMENT = {"cli/main.py", "store/git.py"}
"""main hands the environment to the session; git.py must pass PATH and HOME on to the git program."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Name what `path` imports: our modules by their own name, others by their package."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {name.removeprefix("gitskill.").split(".")[0] for name in names} - sys.stdlib_module_names


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))


def test_every_module_keeps_to_its_layer() -> None:
    for path in MODULES:
        module = name_of(path)
        assert imports(path) - {module} <= MAY_IMPORT[module], path


def test_each_layer_rests_only_on_the_ones_above_it_in_the_table() -> None:
    above: set[str] = set()
    for module, allowed in MAY_IMPORT.items():
        assert allowed & MAY_IMPORT.keys() <= above, module
        above.add(module)


def test_only_the_store_knows_pygit2_and_only_two_files_the_environment() -> None:
    """doctor reads pygit2's version, which is no use of git."""
    users = {str(path.relative_to(PACKAGE)) for path in MODULES if "pygit2" in imports(path)}
    readers = {str(path.relative_to(PACKAGE)) for path in MODULES if "os.environ" in path.read_text()}

    assert {user for user in users if not user.startswith("store/")} == {"cli/doctor.py"}
    assert readers == ENVIRONMENT


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    sizes = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions(path)}
    long = {name: size for name, size in sizes.items() if size > 40}

    assert path.read_text().count("\n") <= 300
    assert long == {}


def test_nothing_is_printed_and_no_exception_is_swallowed() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"print", "eval", "exec", "input"}, path
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
                assert not broad, path


def test_help_imports_nothing_heavy() -> None:
    """Speed by structure: --help must not load git, Markdown or YAML."""
    import subprocess  # noqa: PLC0415

    code = "import sys; from gitskill.cli.main import run; run(['--help'], {}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {"pygit2", "yaml", "markdown_it", "unidiff", "gitskill.store"} & set(done.stderr.split())
    assert "gitskill.cli.blame" in done.stderr.split()
