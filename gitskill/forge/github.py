"""GitHub's pull requests, also those of GitHub Enterprise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from gitskill.forge.shape import PAGE, Call, Found, Wanted, is_here, number


@dataclass(frozen=True, slots=True)
class GitHub:
    """A repository, `owner/name`, on the GitHub whose API is at `api`."""

    api: str
    project: str
    name: str = "GitHub"
    headers: tuple[tuple[str, str], ...] = (
        ("Accept", "application/vnd.github+json, application/json"),
        ("X-GitHub-Api-Version", "2022-11-28"),
    )

    @property
    def _pulls(self) -> str:
        return f"/repos/{quote(self.project)}/pulls"

    def finding(self, head: str, page: int) -> Call:
        """Ask for the open pull requests of a branch."""
        owner = self.project.partition("/")[0]
        query = {"state": "open", "head": f"{owner}:{head}", "per_page": PAGE, "page": page}
        return Call("GET", f"{self._pulls}?{urlencode(query)}")

    def opening(self, wanted: Wanted) -> Call:
        """Ask for a new pull request."""
        told = {"title": wanted.title, "head": wanted.head, "base": wanted.base, "body": wanted.body}
        return Call("POST", self._pulls, {**told, "draft": wanted.draft})

    def updating(self, found: Found, wanted: Wanted) -> Call:
        """Ask for title and text to be changed. Whether it is a draft stays as it is."""
        return Call("PATCH", f"{self._pulls}/{found.number}", {"title": wanted.title, "body": wanted.body})

    def read(self, answer: Mapping[str, Any], head: str = "") -> Found | None:
        """Read a pull request; None where it is of another branch or of a fork's."""
        if head and (answer["head"]["ref"] != head or not is_here(answer)):
            return None
        return Found(number(answer["number"]), str(answer["html_url"]), bool(answer.get("draft")))
