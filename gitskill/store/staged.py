"""What git's hooks look at: what is staged, what is being merged, and what a push brings that is not yet here."""

import shutil
import tempfile
from pathlib import Path

import pygit2

from gitskill.errors import GitRefused
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.store.git import run
from gitskill.store.refs import HEADS
from gitskill.store.repository import Repository

_SCISSORS = " ------------------------ >8 ------------------------"


def staged_tree(repository: Repository, index: Path) -> str:
    """Write down what `index` would commit, as a tree. The index stays as it is, to the byte."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "index"
        try:
            shutil.copyfile(index, copy)
        except FileNotFoundError:
            return run(repository.git_dir, "mktree").decode().strip()  # nothing was ever staged
        except OSError as error:
            raise GitRefused(f"{index} cannot be read: {error.strerror}") from error
        return run(repository.git_dir, "write-tree", index=copy).decode().strip()


def parents_to_be(repository: Repository) -> list[CommitId]:
    """Give the commits that the next commit will stand on: HEAD, and in a merge the others."""
    head = [] if repository.git.head_is_unborn else [repository.head()]
    try:
        merged = (repository.git_dir / "MERGE_HEAD").read_text().split()
    except (FileNotFoundError, UnicodeDecodeError):
        merged = []
    return [*head, *(repository.commit(name) for name in merged)]


def current_branch(repository: Repository) -> str:
    """Name the ref that the next commit will move; empty on no branch."""
    ref = repository.git.references.get("HEAD")
    name = ref.target if ref is not None and isinstance(ref.target, str) else ""
    return name if name.startswith(HEADS) else ""


def typed(repository: Repository, text: str) -> str:
    """Give of a message that is being written what git will keep, without its comments."""
    config = repository.git.config
    chosen = config["core.commentChar"] or "" if "core.commentChar" in config else ""
    mark = "#" if chosen in ("", "auto") else chosen
    text = text.partition(f"{mark}{_SCISSORS}")[0]
    return "\n".join(line.rstrip() for line in text.split("\n") if not line.startswith(mark)).strip("\n")


def written(repository: Repository, commit: CommitId) -> tuple[Message, tuple[str, str, int]]:
    """Give what a commit says, and its author: name, address and moment."""
    found = repository.read_commit(commit)
    author = found.author
    return Message.parse(found.message), (author.name, author.email, author.time)


def look_into(repository: Repository, objects: Path) -> None:
    """Read objects from a folder too: those of a push wait there until its hooks have said yes."""
    try:
        repository.git.odb.add_disk_alternate(str(objects))
    except (pygit2.GitError, OSError) as error:
        raise GitRefused(f"{objects} cannot be read: {error}") from error
