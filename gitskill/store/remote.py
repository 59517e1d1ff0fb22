"""Speaking with a remote: where it is, which refs it has, sending refs there and bringing them here.

Of the repository's own configuration only a remote's URL is taken. How to reach
it and who the person is there (credential helpers, ssh, proxies, `insteadOf`)
comes from the person's own files and environment.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pygit2

from gitskill.address import Address
from gitskill.errors import GitRefused, InvalidInput, NeedsPerson, NotFound
from gitskill.store.git import Manners, Said, converse, run
from gitskill.store.refs import target
from gitskill.store.repository import Repository
from gitskill.store.scratch import REMOTE, scratch

_SEALED = "-c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.alternateRefsCommand=true -c gc.auto=0"
_RECEIVE = f"git {_SEALED} -c receive.autogc=false -c receive.denyCurrentBranch=refuse receive-pack"
_UPLOAD = f"git {_SEALED} upload-pack"
"""What serves a remote that is a folder of this machine: nothing of its configuration runs a program."""

_HOOKS = (
    *("pre-receive", "update", "post-receive", "post-update"),
    *("proc-receive", "push-to-checkout", "reference-transaction", "pre-auto-gc"),
)
"""What would run where something is received."""

_BROUGHT = "refs/gitskill-brought/"
_REFSPEC = re.compile(r"(?:[A-Za-z0-9][^\s:]*)?:[A-Za-z0-9][^\s:]*")
_LINE = re.compile(r"([ +\-*!=])\t([^\t:]*):([^\t]+)\t(\[[^\]]*\]|\S+)(?: \((.*)\))?")
_STATES = {"*": "new", " ": "moved", "+": "forced", "-": "gone", "=": "same", "!": "refused"}


@dataclass(frozen=True, slots=True)
class Advertised:
    """What a remote shows."""

    head: str
    """Its default branch, as a full ref; empty where it tells none."""
    refs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one ref of a push."""

    ref: str
    """Its name on the remote."""
    state: str
    """`new`, `moved`, `forced`, `gone`, `same` or `refused`."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Push:
    """What a push came to. Where one ref was refused, others may have arrived."""

    refs: tuple[Sent, ...]
    said: tuple[str, ...]
    """What the remote said besides, such as the words of a hook."""

    @property
    def refused(self) -> tuple[Sent, ...]:
        """The refs that the remote did not take."""
        return tuple(each for each in self.refs if each.state == "refused")


def names(repository: Repository) -> list[str]:
    """List the remotes that have a URL."""
    return sorted(name for name in repository.git.remotes.names() if name and _configured(repository, name))


def default(repository: Repository) -> str:
    """Choose a remote as git would: that of the branch that is checked out, else origin, else the only one."""
    known = names(repository)
    head = _branch(repository)
    upstream = _value(repository, f"branch.{head}.remote") if head else ""
    if upstream in known:
        return upstream
    if "origin" in known:
        return "origin"
    if len(known) == 1:
        return known[0]
    if not known:
        raise NotFound(f"{repository.shown} has no remote", hint="git remote add origin URL, or name one: --remote URL")
    raise InvalidInput(f"there are {len(known)} remotes", hint=f"say which with --remote: {', '.join(known)}")


def url_of(repository: Repository, remote: str, *, push: bool = False) -> Address:
    """Tell where git goes for `remote`, a name or a URL, once the person's own `insteadOf` rules are heeded."""
    with _line(repository, remote, push=push) as (_, address, _):
        return address


def shown(repository: Repository, remote: str) -> str:
    """Name a remote for a person: a URL without the credentials in it."""
    return remote if _configured(repository, remote) else url_of(repository, remote, push=True).shown


def default_branch(repository: Repository, remote: str) -> str:
    """Name the branch that work is for, as far as is known here: the remote's default, else the one checked out."""
    known = target(repository, f"refs/remotes/{remote}/HEAD") or ""
    found = known.removeprefix(f"ref: refs/remotes/{remote}/") if known.startswith("ref: ") else _branch(repository)
    if not found:
        raise InvalidInput("no branch is checked out, and that of the remote is not known", hint="name one with --base")
    return found


def advertised(
    repository: Repository, remote: str, *patterns: str, may_ask: bool = False, push: bool = False
) -> Advertised:
    """Ask a remote for its refs, where it is pushed to with `push`; with `patterns` only for those. Changes nothing."""
    with _line(repository, _url(repository, remote, push=push)) as (place, address, folder):
        serving = [f"--upload-pack={_UPLOAD}"] if folder else []
        told = ["--symref", "--quiet", *serving, "--", REMOTE, *(("HEAD", *patterns) if patterns else ())]
        said = converse(place, Manners(address.way, may_ask=may_ask), "ls-remote", *told)
    if said.code:
        raise _explained(said, address)
    rows = [line.split("\t") for line in said.printed.splitlines() if line.count("\t") == 1]
    head = next((what.removeprefix("ref: ") for what, ref in rows if ref == "HEAD" and what.startswith("ref: ")), "")
    refs = {ref: what for what, ref in rows if re.fullmatch("[0-9a-f]{40}", what) and ref.startswith("refs/")}
    return Advertised(head, refs)


def push(
    repository: Repository,
    remote: str,
    refspecs: Sequence[str],
    *,
    leases: Mapping[str, str] | None = None,
    may_ask: bool = False,
) -> Push:
    """Send `refspecs`, `SOURCE:REF` with an id or a ref as source, and nothing else.

    `leases` says where a ref on the remote must stand now, empty where it must
    not be there; only such a ref may move other than forward. Raises GitRefused
    where the remote cannot be reached; what it does not take is in the result.
    """
    _refuse_bad(refspecs)
    held = [f"--force-with-lease={ref}:{at}" for ref, at in (leases or {}).items()]
    with _line(repository, remote, push=True) as (place, address, folder):
        serving = [f"--receive-pack={_RECEIVE}"] if folder else []
        plain = ["--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no", "--no-progress"]
        told = ["--porcelain", *plain, *serving, *held, "--", REMOTE, *refspecs]
        said = converse(place, Manners(address.way, may_ask=may_ask), "push", *told)
    refs = tuple(
        Sent(match[3], _STATES[match[1]], match[5] or "")
        for match in map(_LINE.fullmatch, said.printed.splitlines())
        if match
    )
    done = Push(refs, _spoken(said, address))
    if said.code and not done.refused:
        raise _explained(said, address)
    return done


def fetch(repository: Repository, remote: str, refspecs: Sequence[str], *, may_ask: bool = False) -> Mapping[str, str]:
    """Bring the objects behind `refspecs`, `SOURCE:REF` with or without one `*`, and tell where each REF would stand.

    No ref of the repository moves: that is the caller's, with the old values as
    guard. Until then nothing keeps the objects but git's grace of two weeks.
    """
    _refuse_bad(refspecs)
    wanted = [f"+{each.partition(':')[0]}:{_BROUGHT}{each.partition(':')[2]}" for each in refspecs]
    with _line(repository, remote) as (place, address, folder):
        serving = [f"--upload-pack={_UPLOAD}"] if folder else []
        plain = ["--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance", "--refmap="]
        told = ["--quiet", "--no-prune", *plain, *serving, "--", REMOTE, *wanted]
        said = converse(place, Manners(address.way, may_ask=may_ask), "fetch", *told)
        if said.code:
            raise _explained(said, address)
        brought = run(place, "for-each-ref", "--format=%(objectname) %(refname)", _BROUGHT).decode()
    rows = (line.split(" ", 1) for line in brought.splitlines())
    return {ref.removeprefix(_BROUGHT): oid for oid, ref in rows}


def _refuse_bad(refspecs: Sequence[str]) -> None:
    """Refuse what git would read in another way, or would send without being named."""
    if wrong := next((each for each in refspecs if not _REFSPEC.fullmatch(each)), None):
        raise InvalidInput(f"{wrong!r} does not say which ref goes where")


@contextmanager
def _line(repository: Repository, remote: str, *, push: bool = False) -> Iterator[tuple[Path, Address, Path | None]]:
    """Open a scratch repository whose remote is `remote`; give it, where git goes, and the folder if it is one."""
    url = _url(repository, remote, push=push)
    with scratch(repository, url) as place:
        said = converse(place, Manners("none"), "remote", "get-url", *(["--push"] if push else []), REMOTE)
        address = Address.parse(said.printed.rstrip("\n"))
        folder = Path(address.path) if address.way == "file" else None
        if folder:
            _refuse_unsafe(repository, folder, push=push)
        yield place, address, folder


def _url(repository: Repository, remote: str, *, push: bool) -> str:
    """Find the URL of `remote`, which may be one itself. A folder's path counts from the repository."""
    configured = _configured(repository, remote)
    url = (_value(repository, f"remote.{remote}.pushurl") if push else "") or configured
    if not url and not re.search(r"[:/]", remote):
        known = ", ".join(names(repository)) or "none"
        raise NotFound(f"there is no remote {remote!r}", hint=f"there are: {known}; a URL does too")
    url = url or remote
    if not url.isprintable() or url.startswith("-"):
        raise InvalidInput("the remote has a URL that git should not be given")
    is_path = not (":" in url.partition("/")[0] or "://" in url)
    return os.path.abspath(os.path.join(repository.shown, url)) if is_path else url  # noqa: PTH100, PTH118 - links stay


def _configured(repository: Repository, remote: str) -> str:
    return _value(repository, f"remote.{remote}.url")


def _value(repository: Repository, key: str) -> str:
    """Read a setting's first value; what cannot be read is not there."""
    try:
        return next(iter(repository.git.config.get_multivar(key)), "") or ""
    except (KeyError, ValueError, pygit2.GitError):
        return ""


def _branch(repository: Repository) -> str:
    """Name the branch that is checked out; empty where there is none."""
    git = repository.git
    return "" if git.head_is_detached or git.head_is_unborn else str(git.head.shorthand)


def _refuse_unsafe(repository: Repository, folder: Path, *, push: bool) -> None:
    """Refuse a folder that is this repository, or that has hooks: they would run here, as the person."""
    try:
        there = Repository.open(folder)
    except NotFound as error:
        raise NotFound(f"there is no repository at {folder}") from error
    places = {there.common_dir.resolve(), there.git_dir.resolve(), Path(there.shown).resolve()}
    if folder.resolve() not in places:
        raise NotFound(f"there is no repository at {folder}")
    if there.common_dir.resolve() == repository.common_dir.resolve():
        raise InvalidInput(f"the remote {folder} is this repository itself")
    own = _value(there, "core.hooksPath")
    hooks = Path(there.shown, Path(own).expanduser()) if own else there.common_dir / "hooks"
    found = [name for name in _HOOKS if os.access(hooks / name, os.X_OK)]
    if push and found:
        raise NeedsPerson(
            f"the remote {folder} is a folder of this machine with hooks ({', '.join(found)}), which would run as you",
            hint="if you trust it, push with git itself: git push REMOTE BRANCH",
        )


def _spoken(said: Said, address: Address) -> tuple[str, ...]:
    lines = (line.removeprefix("remote:").strip() for line in said.complaint.splitlines() if line.startswith("remote:"))
    return tuple(address.masked(line) for line in lines if line)


def _explained(said: Said, address: Address) -> GitRefused:
    """Turn git's complaint about a remote into one line and what to do."""
    lines = [line.strip() for line in address.masked(said.complaint).splitlines()]
    own = [line for line in lines if line and not line.lower().startswith(("remote:", "warning:", "hint:"))]
    what = (own or lines or [f"git ended with {said.code}"])[0].removeprefix("fatal: ").removeprefix("error: ")
    return GitRefused(f"{address.shown}: {what}", hint=_advice(what, address))


def _advice(what: str, address: Address) -> str:
    """Say what helps against the commonest failures."""
    if "Permission denied (" in what or "Host key verification" in what:
        return f"try ssh by itself: ssh -T git@{address.host}"
    if "Authentication failed" in what or "could not read Username" in what or "could not read Password" in what:
        return "git has no credentials for it in your own configuration: see git help credentials, or gh auth setup-git"
    if address.way == "file":
        return "look there with git: git -C FOLDER status"
    return f"try it by itself: git ls-remote {address.shown}"
