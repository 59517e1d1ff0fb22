"""Pull requests of Gitea and Forgejo."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from gitskill.forge.shape import PAGE, Call, Found, Wanted, is_here, number

_DRAFT = "WIP: "


@dataclass(frozen=True, slots=True)
class Gitea:
    """A repository, `owner/name`, on the Gitea or Forgejo whose API is at `api`."""

    api: str
    project: str
    name: str = "Gitea"
    headers: tuple[tuple[str, str], ...] = (("Accept", "application/json"),)

    @property
    def _pulls(self) -> str:
        return f"/repos/{quote(self.project)}/pulls"

    def finding(self, head: str, page: int) -> Call:  # noqa: ARG002 - it lists all branches' or none
        """Ask for open pull requests, of whatever branch: older servers know no filter."""
        return Call("GET", f"{self._pulls}?{urlencode({'state': 'open', 'limit': PAGE, 'page': page})}")

    def opening(self, wanted: Wanted) -> Call:
        """Ask for a new pull request."""
        title = _DRAFT * wanted.draft + wanted.title
        return Call(
            "POST", self._pulls, {"title": title, "head": wanted.head, "base": wanted.base, "body": wanted.body}
        )

    def updating(self, found: Found, wanted: Wanted) -> Call:
        """Ask for title and text to be changed. The title says whether it is a draft: that stays as it is."""
        told = {"title": _DRAFT * found.is_draft + wanted.title, "body": wanted.body}
        return Call("PATCH", f"{self._pulls}/{found.number}", told)

    def read(self, answer: Mapping[str, Any], head: str = "") -> Found | None:
        """Read a pull request; None where it is of another branch or of a fork's."""
        if head and (answer["head"]["ref"] != head or not is_here(answer)):
            return None
        draft = str(answer.get("title", "")).upper().startswith(("WIP:", "[WIP]"))
        return Found(number(answer["number"]), str(answer["html_url"]), draft)
