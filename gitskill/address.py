"""Where a remote is: an address that git may be sent to, checked, and shown without the credentials in it."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from gitskill.errors import InvalidInput

_SHORT = re.compile(r"(?:(?P<user>[^@:/]+)@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^:/@\[\]]+):(?P<path>(?!:).*)", re.DOTALL)
"""`git@host:owner/repo.git`, as ssh and git write it."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
_USER = re.compile(r"[A-Za-z0-9_.+%~][A-Za-z0-9_.+%~@-]*")
_WAYS = frozenset({"https", "http", "ssh", "file"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a remote is. Its representation shows no secret."""

    way: str
    """`https`, `ssh` or `file`; `http` on this machine."""
    host: str
    """In small letters; empty for a folder."""
    port: int | None
    path: str
    """Without the slashes around it; of a folder as it is."""
    url: str = field(repr=False)
    """What git is given."""
    secret: str = field(default="", repr=False)
    """The password in the URL, which no message shows."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL, or a folder's path. Raises InvalidInput for everything that git would obey in another way."""
        if not url or not url.isprintable() or url.startswith("-"):
            raise InvalidInput("that is not the address of a remote", hint=_HINT)
        if "://" in url:
            return cls._of_url(url)
        if (short := _SHORT.fullmatch(url)) and "/" not in short["host"]:
            host, path = short["host"].strip("[]"), short["path"]
            _refuse_bad(short["user"] or "git", host, path)
            return cls("ssh", host.lower(), None, path.strip("/"), url)
        if "::" in url.partition("/")[0]:
            program = url.partition("::")[0]
            raise InvalidInput(f"{program}::… names a program to run, not the address of a remote", hint=_HINT)
        return cls("file", "", None, url, url)

    @classmethod
    def _of_url(cls, url: str) -> Self:
        parts = _split(url)
        if parts.scheme == "file":
            if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
                raise InvalidInput(f"{url!r} is not the address of a folder", hint="write file:///FOLDER or the path")
            return cls("file", "", None, unquote(parts.path), url)
        host = (parts.hostname or "").lower()
        shown = f"{parts.scheme}://{host}"
        if parts.scheme not in _WAYS:
            raise InvalidInput(f"{shown}: gitskill speaks to remotes by https, ssh, or as a folder", hint=_HINT)
        if parts.scheme == "http" and not is_loopback(host):
            raise InvalidInput(
                f"{shown} is not encrypted: credentials would travel in the clear", hint="use https or ssh"
            )
        _refuse_bad(parts.username or "git", host, parts.path.lstrip("/"))
        if parts.query or parts.fragment:
            raise InvalidInput(f"the URL at {shown} holds more than an address", hint=_HINT)
        return cls(parts.scheme, host, parts.port, parts.path.strip("/"), url, parts.password or "")

    @property
    def shown(self) -> str:
        """The address for a person, without user and password."""
        if self.way == "file":
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.way}://{host}{f':{self.port}' if self.port else ''}/{self.path}"

    def masked(self, text: str) -> str:
        """Give `text` without the password."""
        for secret in {self.secret, unquote(self.secret)} - {""}:
            text = text.replace(secret, "***")
        return text


_HINT = "remotes look like https://HOST/OWNER/REPO.git or git@HOST:OWNER/REPO.git"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.port is None or parts.port > 0
    except ValueError as error:
        raise InvalidInput("the remote's URL cannot be read", hint=_HINT) from error
    if not known or not url.isascii() or " " in url or "\\" in url:
        raise InvalidInput("the remote's URL cannot be read", hint=_HINT)
    return parts


def _refuse_bad(user: str, host: str, path: str) -> None:
    """Refuse what ssh or a shell could take for an option or a command."""
    if not _NAME.fullmatch(host) or not _USER.fullmatch(user):
        raise InvalidInput(f"{host!r} is not a host with a user's name", hint=_HINT)
    if not path.strip("/") or path.startswith("-"):
        raise InvalidInput(f"the address at {host} names no repository", hint=_HINT)
