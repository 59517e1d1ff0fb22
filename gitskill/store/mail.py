"""A branch for people without a forge: as a bundle, as patches for mail, as a request to pull."""

import re
from collections.abc import Sequence
from pathlib import Path

from gitskill.errors import NeedsPerson
from gitskill.ids import CommitId
from gitskill.store.git import run
from gitskill.store.repository import Repository
from gitskill.store.scratch import scratch

_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv")

_TAKEN = re.compile(
    r"^(?:diff -|Index: |---(?:\s*$|\s\S)|From .*\d:\d)|-\s*(?:>8|8<|>%|%<)|(?:>8|8<|>%|%<)\s*-", re.MULTILINE
)
"""What `git am` takes for the beginning of a patch, of another mail, or of the message, wherever it stands in one."""
_HEADER = re.compile(r"\s*(?:From|Subject|Date|Content-[A-Za-z-]+):|\s*\[PATCH", re.IGNORECASE)
"""What it takes for the mail's author or subject where a message begins with it."""


def bundle(repository: Repository, base: CommitId, ref: str) -> bytes:
    """Pack what `ref` has beyond `base`; `git fetch FILE REF` reads it where `base` is known."""
    with scratch(repository) as place:
        return run(place, "bundle", "create", "--quiet", "-", f"^{base}", ref)


def patches(repository: Repository, commits: Sequence[CommitId]) -> bytes:
    """Write each commit as a mail that `git am` reads, with what it changes against its parent.

    Raises NeedsPerson where it would read more out of a message than a message: a patch that no commit holds.
    """
    with scratch(repository) as place:
        for commit in commits:
            _refuse_taken(place, commit)
        told = ("--stdout", "--no-signature", *_PLAIN, "-1")
        return b"".join(run(place, "format-patch", *told, commit) for commit in commits)


def _refuse_taken(place: Path, commit: CommitId) -> None:
    said = run(place, "log", "-1", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--format=%b", commit)
    body = said.decode(errors="replace")
    if found := _TAKEN.search(body) or _HEADER.match(body):
        raise NeedsPerson(
            f"git am would not take {found[0].strip()!r} in the message of {commit[:10]} for text",
            hint="look at it: git show; as a bundle it goes as it is: --bundle FILE",
        )


def request_pull(repository: Repository, base: CommitId, tip: CommitId, url: str, branch: str) -> str:
    """Ask somebody to pull a branch, in the words of `git request-pull`."""
    with scratch(repository) as place:
        before, after = (_commit(place, commit) for commit in (base, tip))
        log = run(place, "shortlog", f"^{base}", tip).decode(errors="replace").rstrip("\n")
        stat = run(place, "diff", "-M", "--stat", "--summary", *_PLAIN, f"{base}..{tip}").decode(errors="replace")
    return (
        f"The following changes since commit {before}\n\n"
        f"are available in the Git repository at:\n\n  {url} {branch}\n\n"
        f"for you to fetch changes up to {after}\n\n"
        f"{'-' * 64}\n{log}\n\n{stat}"
    )


def _commit(place: Path, commit: CommitId) -> str:
    told = ("--no-show-signature", "--no-color", "--no-patch", "--date=iso")
    return run(place, "show", *told, "--format=%H:%n%n  %s (%cd)", commit).decode(errors="replace").rstrip("\n")
