"""GitLab's merge requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from gitskill.forge.shape import PAGE, Call, Found, Wanted, number

_DRAFT = "Draft: "


@dataclass(frozen=True, slots=True)
class GitLab:
    """A project, `group/…/name`, on the GitLab whose API is at `api`."""

    api: str
    project: str
    name: str = "GitLab"
    headers: tuple[tuple[str, str], ...] = (("Accept", "application/json"),)

    @property
    def _requests(self) -> str:
        return f"/projects/{quote(self.project, safe='')}/merge_requests"

    def finding(self, head: str, page: int) -> Call:
        """Ask for the open merge requests of a branch."""
        query = {"state": "opened", "source_branch": head, "per_page": PAGE, "page": page}
        return Call("GET", f"{self._requests}?{urlencode(query)}")

    def opening(self, wanted: Wanted) -> Call:
        """Ask for a new merge request."""
        ends = {"source_branch": wanted.head, "target_branch": wanted.base}
        title = _DRAFT * wanted.draft + wanted.title
        return Call("POST", self._requests, {**ends, "title": title, "description": wanted.body})

    def updating(self, found: Found, wanted: Wanted) -> Call:
        """Ask for title and text to be changed. The title says whether it is a draft: that stays as it is."""
        told = {"title": _DRAFT * found.is_draft + wanted.title, "description": wanted.body}
        return Call("PUT", f"{self._requests}/{found.number}", told)

    def read(self, answer: Mapping[str, Any], head: str = "") -> Found | None:
        """Read a merge request; None where it is of another branch or of a fork's."""
        if head and (answer["source_branch"] != head or answer["source_project_id"] != answer["target_project_id"]):
            return None
        draft = bool(answer.get("draft", answer.get("work_in_progress")))
        return Found(number(answer["iid"]), str(answer["web_url"]), draft)
