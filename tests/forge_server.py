"""A GitHub, a GitLab and a Gitea on loopback: each holds pull requests and takes only what it says that it takes.

GitHub's requests are checked against the description that GitHub publishes, and
its answers are GitHub's own examples. Those of the two others are written from
their documentation.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from fault_server import Reaction, Seen, document

TOKEN = "t0ken-of-ada"  # noqa: S105 - of these servers alone
_PUBLISHED = json.loads((Path(__file__).parent / "github_pulls.json").read_text())["operations"]


def violations(value: Any, schema: Mapping[str, Any], place: str) -> list[str]:
    """Name what a value has that its JSON schema does not allow; a name that the schema does not know too."""
    kinds = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}
    kind = kinds[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return [f"{place} is no {schema['type']}"]
    if value not in schema.get("enum", [value]):
        return [f"{place} is not one of {schema['enum']}"]
    if not isinstance(value, dict):
        return []
    known = schema.get("properties", {})
    found = [f"{place}.{name} is missing" for name in schema.get("required", []) if name not in value]
    found += [f"{place}.{name} is not known" for name in value if name not in known]
    return found + [
        wrong
        for name, each in value.items()
        if name in known
        for wrong in violations(each, known[name], f"{place}.{name}")
    ]


@dataclass
class Host(ABC):
    """What every forge does: it knows one repository and one token."""

    project: str = "ada/sheets"
    pulls: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What a request had that it must not have."""

    def __call__(self, seen: Seen) -> Reaction:
        if seen.headers.get("authorization") != f"Bearer {TOKEN}":
            return document({"message": "Bad credentials"}, 401)
        path, _, query = seen.path.partition("?")
        return self.answer(seen, path, dict(parse_qsl(query)))

    @abstractmethod
    def answer(self, seen: Seen, path: str, query: dict[str, str]) -> Reaction:
        """Answer a request of whoever has the token."""


@dataclass
class GitHubHost(Host):
    """GitHub Enterprise, as GitHub's OpenAPI describes it."""

    def answer(self, seen: Seen, path: str, query: dict[str, str]) -> Reaction:
        if "application/vnd.github+json" not in seen.headers["accept"] or "x-github-api-version" not in seen.headers:
            self.wrong.append("headers")
        for route, operation in _PUBLISHED.items():
            method, _, template = route.partition(" ")
            pattern = "/api/v3" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template)
            if seen.method == method and (match := re.fullmatch(pattern, path)):
                return self._operation(seen, operation, match.groupdict(), query)
        return document({"message": "Not Found"}, 404)

    def _operation(self, seen: Seen, operation: Any, inside: dict[str, str], query: dict[str, str]) -> Reaction:
        known = {each["name"]: each["schema"] for each in operation["parameters"] if each["in"] == "query"}
        told = {
            name: int(value) if known.get(name, {}).get("type") == "integer" else value for name, value in query.items()
        }
        self.wrong += violations(told, {"type": "object", "properties": known}, "query")
        body: Any = seen.json if seen.body else None
        self.wrong += violations(body, operation["body"], "body") if operation["body"] else []
        if f"{inside['owner']}/{inside['repo']}" != self.project:
            return document({"message": "Not Found"}, 404)
        example = operation["example"]
        if seen.method == "GET":
            owner, _, head = query["head"].partition(":")
            rows = [
                each for each in self.pulls if (self.project.partition("/")[0], each["head"]["ref"]) == (owner, head)
            ]
            return document(rows)
        if seen.method == "POST":
            ends = {name: {**example[name], "ref": body[name]} for name in ("head", "base")}
            url = f"https://github.example/{self.project}/pull/{len(self.pulls) + 1}"
            self.pulls.append(example | ends | {"number": len(self.pulls) + 1, "html_url": url, **_texts(body)})
            return document(self.pulls[-1], operation["status"])
        pull = self.pulls[int(inside["pull_number"]) - 1]
        pull |= _texts(body)
        return document(pull, operation["status"])


def _texts(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("title", "body", "draft") if name in body}


@dataclass
class GitLabHost(Host):
    """GitLab."""

    def answer(self, seen: Seen, path: str, query: dict[str, str]) -> Reaction:
        match = re.fullmatch(r"/api/v4/projects/([^/]+)/merge_requests(?:/(\d+))?", path)
        if match is None or unquote(match[1]) != self.project:
            return document({"message": "404 Project Not Found"}, 404)
        if seen.method == "GET":
            assert query["state"] == "opened"
            return document([each for each in self.pulls if each["source_branch"] == query["source_branch"]])
        body = seen.json
        if seen.method == "POST":
            needed = {"source_branch", "target_branch", "title", "description"}
            self.wrong += sorted(needed ^ body.keys())
            number = len(self.pulls) + 1
            ids = {"source_project_id": 7, "target_project_id": 7, "iid": number}
            self.pulls.append({**body, **ids, "id": 1000 + number, "web_url": f"https://gitlab.example/-/{number}"})
        elif seen.method == "PUT":
            self.wrong += sorted({"title", "description"} ^ body.keys())
            self.pulls[int(match[2]) - 1] |= body
        pull = self.pulls[-1]
        pull["draft"] = pull["title"].startswith("Draft: ")
        return document(pull, 201 if seen.method == "POST" else 200)


@dataclass
class GiteaHost(Host):
    """Gitea and Forgejo: they list all open pull requests, page by page."""

    others: int = 50
    """Open ones of other branches, which come first."""

    def answer(self, seen: Seen, path: str, query: dict[str, str]) -> Reaction:
        match = re.fullmatch(rf"/api/v1/repos/{self.project}/pulls(?:/(\d+))?", path)
        if match is None:
            return document({"message": "The target couldn't be found."}, 404)
        if seen.method == "GET":
            rows = [self._pull(n, {"head": f"other-{n}", "base": "main", "title": "x"}) for n in range(self.others)]
            start = (int(query["page"]) - 1) * int(query["limit"])
            return document([*rows, *self.pulls][start : start + int(query["limit"])])
        body = seen.json
        if seen.method == "POST":
            self.wrong += sorted({"head", "base", "title", "body"} ^ body.keys())
            self.pulls.append(self._pull(len(self.pulls) + 1, body))
        elif seen.method == "PATCH":
            self.wrong += sorted({"title", "body"} ^ body.keys())
            self.pulls[int(match[1]) - 1] |= body
        return document(self.pulls[-1], 201)

    def _pull(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        ends = {name: {"ref": body[name], "repo": {"id": 3}} for name in ("head", "base")}
        return {
            **body,
            **ends,
            "number": number + 1000 * (body["title"] == "x"),
            "html_url": f"https://gitea.example/{number}",
        }
