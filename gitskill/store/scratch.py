"""A repository of our own beside that of a person: the same objects and refs, and no configuration but ours.

What speaks with a remote, or shows history through the git program, runs here:
the person's repository may have come from anybody, and its configuration could
name programs to run.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gitskill.errors import GitRefused
from gitskill.store.refs import under
from gitskill.store.repository import Repository

REMOTE = "gitskill-remote"
"""What the remote is called there."""

_NAMED = "scratch-"
_LONG = 86_400
"""Seconds after which one that is still there was left by a gitskill that was killed."""

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


@contextmanager
def scratch(repository: Repository, url: str = "") -> Iterator[Path]:
    """Give the folder of such a repository, gone again at the end; with `url` it has one remote, `REMOTE`.

    It lies inside the person's repository, so that what their own configuration
    says of this place (`includeIf "gitdir:…"`) holds there too.
    """
    try:
        above = repository.common_dir / "gitskill"
        above.mkdir(exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=_NAMED, dir=above))
        _sweep(above, place.stat().st_mtime - _LONG)
    except OSError as error:
        raise GitRefused(f"nothing can be written in {repository.common_dir}: {error.strerror}") from error
    try:
        _fill(place, repository, url)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _sweep(above: Path, before: float) -> None:
    for each in above.glob(f"{_NAMED}*"):
        with suppress(FileNotFoundError):  # another process may be ending it
            if each.lstat().st_mtime < before:
                shutil.rmtree(each, ignore_errors=True)


def _fill(place: Path, repository: Repository, url: str) -> None:
    (place / "refs").mkdir()
    (place / "objects").symlink_to(repository.common_dir / "objects")
    (place / "HEAD").write_text("ref: refs/heads/none\n")
    # A path may hold what is no text; a value in quotes ends at the quote.
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    remote = f'[remote "{REMOTE}"]\n\turl = "{quoted}"\n' if url else ""
    (place / "config").write_text(_CONFIG + remote, encoding="utf-8", errors="surrogateescape")
    refs = "".join(f"{oid} {name}\n" for name, oid in under(repository, "refs/") if oid in repository.git)
    (place / "packed-refs").write_text(refs, encoding="utf-8", errors="surrogateescape")
    cut_off = repository.common_dir / "shallow"
    if cut_off.is_file():
        shutil.copyfile(cut_off, place / "shallow")
