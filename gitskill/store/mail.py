"""A branch for people without a forge: as a bundle, as patches for mail, as a request to pull."""

from collections.abc import Sequence
from pathlib import Path

from gitskill.ids import CommitId
from gitskill.store.git import run
from gitskill.store.repository import Repository
from gitskill.store.scratch import scratch

_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv")


def bundle(repository: Repository, base: CommitId, ref: str) -> bytes:
    """Pack what `ref` has beyond `base`; `git fetch FILE REF` reads it where `base` is known."""
    with scratch(repository) as place:
        return run(place, "bundle", "create", "--quiet", "-", f"^{base}", ref)


def patches(repository: Repository, commits: Sequence[CommitId]) -> bytes:
    """Write each commit as a mail that `git am` reads, with what it changes against its parent."""
    with scratch(repository) as place:
        told = ("--stdout", "--no-signature", *_PLAIN, "-1")
        return b"".join(run(place, "format-patch", *told, commit) for commit in commits)


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
