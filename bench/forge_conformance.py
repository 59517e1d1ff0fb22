"""Whether GitHub's published description takes our requests: the real client against Prism, a server made of it.

    python bench/forge_conformance.py [--into FOLDER] [--write tests/github_pulls.json]

Needs npm and its registry: `@octokit/openapi` holds GitHub's description (MIT), `@stoplight/prism-cli` serves it.
`--write` keeps the little of it that the tests use.
"""

import argparse
import json
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitskill.errors import GitskillError
from gitskill.forge.client import Client
from gitskill.forge.github import GitHub
from gitskill.forge.shape import Call, Found, Wanted
from gitskill.model.endpoint import Endpoint

OPENAPI = "@octokit/openapi@23.0.2"
PRISM = "@stoplight/prism-cli@5"
OPERATIONS = (
    ("/repos/{owner}/{repo}/pulls", "get"),
    ("/repos/{owner}/{repo}/pulls", "post"),
    ("/repos/{owner}/{repo}/pulls/{pull_number}", "patch"),
)
KEPT = (
    "id",
    "number",
    "state",
    "title",
    "body",
    "html_url",
    "draft",
    "head",
    "base",
    "ref",
    "sha",
    "repo",
    "full_name",
)
WANTED = Wanted("gitskill/r0007/evolved", "main", "Seven lessons", "| a | table |\n", draft=True)


class Careless(GitHub):
    """Sends what GitHub does not take: Prism must say so, or it checks nothing."""

    def opening(self, wanted: Wanted) -> Call:
        """Leave out where it is from and what it is for."""
        return Call("POST", f"/repos/{self.project}/pulls", {"title": wanted.title, "draft": "yes"})


def described(folder: Path) -> Any:
    """Fetch GitHub's description of its API, and its licence, unless it is there."""
    found = folder / "package/generated/api.github.com.json"
    if not found.exists():
        packed = subprocess.run(
            ["npm", "pack", "--silent", OPENAPI], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        with tarfile.open(folder / packed) as archive:
            for name in ("package/LICENSE", "package/generated/api.github.com.json"):
                archive.extract(name, folder, filter="data")
    return json.loads(found.read_text())


def pruned(whole: Any) -> Any:
    """Keep the operations that gitskill uses, and of the components what they need."""
    paths: dict[str, Any] = {}
    for path, method in OPERATIONS:
        paths.setdefault(path, {})[method] = whole["paths"][path][method]
    kept: dict[str, Any] = {}
    todo = [paths]
    while todo:
        for ref in set(references(todo.pop())):
            _, _, kind, name = ref.split("/")
            if name not in kept.setdefault(kind, {}):
                kept[kind][name] = whole["components"][kind][name]
                todo.append(kept[kind][name])
    return {"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": kept}


def references(value: Any) -> list[str]:
    """List every `$ref` below `value`."""
    if isinstance(value, list):
        return [ref for each in value for ref in references(each)]
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for each in value.values() for ref in references(each)]
    return []


def small(spec: Any, licence: str) -> Any:
    """Give what the tests keep: what each operation takes, and GitHub's own example of an answer."""
    told = {"source": f"{OPENAPI}, generated/api.github.com.json, pruned", "licence": licence}
    operations = {}
    for path, method in OPERATIONS:
        operation = spec["paths"][path][method]
        parameters = [resolved(spec, each) for each in operation["parameters"]]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        status = min(code for code in operation["responses"] if code.startswith("2"))
        examples = operation["responses"][status]["content"]["application/json"]["examples"]
        operations[f"{method.upper()} {path}"] = {
            "parameters": [{key: each[key] for key in ("name", "in", "schema")} for each in parameters],
            "body": body and without_prose(body),
            "status": int(status),
            "example": shortened(resolved(spec, next(iter(examples.values())))["value"]),
        }
    return {**told, "operations": operations}


def resolved(spec: Any, value: Any) -> Any:
    """Follow a `$ref`."""
    if "$ref" not in value:
        return value
    _, _, kind, name = value["$ref"].split("/")
    return spec["components"][kind][name]


def without_prose(schema: Any) -> Any:
    """Leave descriptions and examples out of a schema."""
    if isinstance(schema, list):
        return [without_prose(each) for each in schema]
    if isinstance(schema, dict):
        return {
            key: without_prose(each)
            for key, each in schema.items()
            if not (key in {"description", "example"} and isinstance(each, str))
        }
    return schema


def shortened(example: Any) -> Any:
    """Keep of an example what gitskill reads."""
    if isinstance(example, list):
        return [shortened(each) for each in example]
    if isinstance(example, dict):
        return {key: shortened(each) for key, each in example.items() if key in KEPT}
    return example


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: "subprocess.Popen[str]") -> None:
    """Wait until something listens at `port`."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            sys.exit(f"prism ended with {process.returncode}")
        time.sleep(0.1)
    sys.exit("prism does not listen")


def conform(port: int) -> bool:
    """Ask what gitskill asks, and once what GitHub must refuse."""
    api = f"http://127.0.0.1:{port}"
    client, careless = (desk(kind(api, "octocat/Hello-World")) for kind in (GitHub, Careless))
    return all(
        [
            came("find", True, lambda: client.find("new-topic")),
            came("open", True, lambda: client.open(WANTED)),
            came("update", True, lambda: client.update(Found(1347, ""), WANTED)),
            came("open without head and base", False, lambda: careless.open(WANTED)),
        ]
    )


def desk(forge: GitHub) -> Client:
    """Make the client that `gitskill pr` uses."""
    return Client(forge, Endpoint(base_url=forge.api, key="a-token", headers=forge.headers[1:]), "this benchmark")


def came(name: str, expected: bool, question: Callable[[], object]) -> bool:
    """Ask, and say whether it came as expected."""
    try:
        told, passed = f"passes: {question()}", True
    except GitskillError as error:
        told, passed = f"refused: {error}", False
    print(f"{'ok ' if passed is expected else 'BAD'}  {name}: {told}")
    return passed is expected


def main() -> None:
    """Fetch, prune, serve and ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, help="a folder to keep what npm fetches")
    parser.add_argument("--write", type=Path, help="where to write what the tests keep")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = told.into or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        spec = pruned(described(folder))
        (folder / "pulls.json").write_text(json.dumps(spec))
        if told.write:
            told.write.write_text(json.dumps(small(spec, (folder / "package/LICENSE").read_text()), indent=1) + "\n")
        prism = folder / "node_modules/.bin/prism"
        if not prism.exists():
            subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", PRISM], cwd=folder, check=True)
        port = free_port()
        command = [str(prism), "mock", "-h", "127.0.0.1", "-p", str(port), str(folder / "pulls.json")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True) as process:
            try:
                wait_for(port, process)
                good = conform(port)
            finally:
                process.terminate()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
