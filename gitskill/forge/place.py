"""Which forge a remote is on, at which address its API is, and which token is meant for it."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gitskill.address import Address
from gitskill.errors import InvalidInput, NeedsPerson
from gitskill.forge.gitea import Gitea
from gitskill.forge.github import GitHub
from gitskill.forge.gitlab import GitLab
from gitskill.forge.shape import Forge

KINDS = ("github", "gitlab", "gitea")

_KNOWN = {
    "github.com": ("github", "github.com"),
    "ssh.github.com": ("github", "github.com"),
    "gitlab.com": ("gitlab", "gitlab.com"),
    "altssh.gitlab.com": ("gitlab", "gitlab.com"),
    "codeberg.org": ("gitea", "codeberg.org"),
    "gitea.com": ("gitea", "gitea.com"),
}
"""Hosts, also those for ssh, with the forge that they are and its host."""

_TOKENS = {
    "github": ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"),
    "gitlab": ("GITLAB_TOKEN",),
    "gitea": ("FORGEJO_TOKEN", "GITEA_TOKEN"),
}
_HOSTS = {
    "github": ("GH_HOST", "GITHUB_SERVER_URL"),
    "gitlab": ("GITLAB_HOST", "GL_HOST", "CI_SERVER_URL"),
    "gitea": ("FORGEJO_SERVER_URL", "GITEA_SERVER_URL"),
}
"""Variables that hold a token, and those by which a person says for which host it is."""

VARIABLES = frozenset(name for names in (*_TOKENS.values(), *_HOSTS.values()) for name in names)
_PROJECT = re.compile(r"[A-Za-z0-9_.~-]+(?:/[A-Za-z0-9_.~-]+)+")
_TOKEN = re.compile(r"[!-~]{4,1024}")


@dataclass(frozen=True, slots=True)
class Place:
    """A repository on a forge."""

    kind: str
    base: str
    """The forge's own address: `https://github.com`."""
    project: str
    """`owner/name`, on GitLab with all its groups."""
    was_named: bool = False
    """The person gave the forge's address on the command line."""

    @property
    def host(self) -> str:
        """Whom a token would go to."""
        return (urlsplit(self.base).hostname or "").lower()

    @property
    def forge(self) -> Forge:
        """The forge, to be spoken with."""
        match self.kind:
            case "github" if self.host == "github.com" or self.host.endswith(".ghe.com"):
                return GitHub(f"https://api.{self.host}", self.project)
            case "github":
                return GitHub(f"{self.base}/api/v3", self.project)
            case "gitlab":
                return GitLab(f"{self.base}/api/v4", self.project)
            case _:
                return Gitea(f"{self.base}/api/v1", self.project)


def locate(address: Address, told: str = "") -> Place:
    """Find the forge of a remote: by what the person told, `KIND` or `KIND=URL`, else by its well-known host.

    Nothing is asked of any server. Raises InvalidInput where that is not enough.
    """
    if address.way == "file":
        raise InvalidInput(
            f"the remote {address.shown} is a folder, and no forge",
            hint="without a forge: --request-pull, --bundle FILE or --patch",
        )
    kind, _, url = told.partition("=")
    if told and kind not in KINDS:
        raise InvalidInput(f"{kind!r} is no forge that gitskill knows", hint=f"there are: {', '.join(KINDS)}")
    known, host = _KNOWN.get(address.host, ("github" if address.host.endswith(".ghe.com") else "", address.host))
    if not (kind or known):
        raise InvalidInput(
            f"gitskill does not know which forge {address.host} is",
            hint=f"say it: --forge github|gitlab|gitea, or with its address: --forge gitlab=https://{address.host}",
        )
    base = _base(url) if url else _default_base(address, host)
    return Place(kind or known, *_project(kind or known, base, address, named=bool(url)), was_named=bool(url))


def _base(url: str) -> str:
    found = Address.parse(f"{url.rstrip('/')}/x")
    if found.way not in {"https", "http"} or "@" in url:
        raise InvalidInput("a forge's address is like https://git.example.org")
    return url.rstrip("/")


def _default_base(address: Address, host: str) -> str:
    if address.way == "ssh" or address.host in _KNOWN:
        return f"https://{host}"
    shown = f"[{host}]" if ":" in host else host
    return f"{address.way}://{shown}{f':{address.port}' if address.port else ''}"


def _project(kind: str, base: str, address: Address, *, named: bool) -> tuple[str, str]:
    """Tell the forge's address and the project: a forge may live below a path."""
    path = address.path.removesuffix(".git").strip("/")
    above = urlsplit(base).path.strip("/")
    if above and path.startswith(f"{above}/"):
        path = path.removeprefix(f"{above}/")
    elif kind != "gitlab" and not named and address.way != "ssh" and path.count("/") > 1:
        above, _, name = path.rpartition("/")
        above, _, owner = above.rpartition("/")
        base, path = f"{base}/{above}", f"{owner}/{name}"
    is_pair = path.count("/") == 1 or kind == "gitlab"
    if not (_PROJECT.fullmatch(path) and is_pair and not {".", ".."} & set(path.split("/"))):
        raise InvalidInput(
            f"{address.shown} does not end in OWNER/NAME",
            hint=f"if the forge lives below a path, name that: --forge {kind}=https://HOST/PATH",
        )
    return base, path


@dataclass(frozen=True, slots=True)
class Token:
    """What a forge knows the person by, and where it is from. Its representation shows no secret."""

    value: str
    source: str

    def __repr__(self) -> str:
        return f"Token(source={self.source!r})"


def token_for(place: Place, environment: Mapping[str, str]) -> Token:
    """Find the token that is meant for the host of `place`, and for no other.

    A variable's token is for the host that a variable beside it names, else for
    the forge's well-known one, or for the host that the person named with
    `--forge KIND=URL`: the remote's URL lies in the repository, and decides nothing.
    """
    for name in _TOKENS[place.kind]:
        value = environment.get(name, "").strip()
        if value and _is_meant(place, name, environment):
            return _checked(Token(value, name))
    if place.kind == "github" and (asked := _of_gh(place.host, environment)):
        return _checked(Token(asked, "gh auth token"))
    names = " or ".join(_TOKENS[place.kind][:2])
    if any(environment.get(name) for name in _TOKENS[place.kind]):
        raise NeedsPerson(
            f"the token of {names} is not known to be for {place.host}, so it was not sent there",
            hint=f"if it is: --forge {place.kind}={place.base}",
        )
    login = f", or gh auth login --hostname {place.host}" if place.kind == "github" else ""
    raise InvalidInput(f"there is no token for {place.host}", hint=f"set {names}{login}")


def _is_meant(place: Place, name: str, environment: Mapping[str, str]) -> bool:
    if place.was_named:
        return True
    named = [_host(environment[each]) for each in _HOSTS[place.kind] if environment.get(each)]
    if "ENTERPRISE" in name:
        return place.host in named
    own = {"GITEA_TOKEN": "gitea.com", "FORGEJO_TOKEN": "codeberg.org"}.get(name, f"{place.kind}.com")
    return place.host in (named or [own])


def _host(told: str) -> str:
    """Read `git.example.org` or `https://git.example.org/path`."""
    return (urlsplit(told if "://" in told else f"https://{told}").hostname or "").lower()


def _checked(token: Token) -> Token:
    if not _TOKEN.fullmatch(token.value):
        raise InvalidInput(f"what {token.source} holds is not one word of ASCII: no token looks like that")
    return token


def _of_gh(host: str, environment: Mapping[str, str]) -> str:
    """Ask GitHub's own program for the token with which the person logged in at `host`."""
    # Only programs outside the repository: a path that is not absolute counts from wherever we are.
    path = ":".join(each for each in environment.get("PATH", "").split(":") if each.startswith("/"))
    program = shutil.which("gh", path=path)
    if program is None:
        return ""
    kept = {name: value for name, value in environment.items() if name not in VARIABLES}
    try:
        done = subprocess.run(  # noqa: S603
            [program, "auth", "token", "--hostname", host],
            env=kept | {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
