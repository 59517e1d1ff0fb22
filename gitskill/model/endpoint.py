"""Where to ask, and who may say so: flags, the environment and the user's own configuration; never a repository."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from gitskill.errors import InvalidInput

OPENAI = "https://api.openai.com/v1"
DEADLINE = 600.0
_KEYS = frozenset({"base_url", "key", "headers", "model", "deadline"})
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint. Its representation shows no secret."""

    base_url: str = OPENAI
    key: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    deadline: float = DEADLINE
    """How many seconds one question may spend in requests, all its tries together; waits between tries not counted."""
    proxy: str = field(default="", repr=False)
    certificates: str = ""
    """A file of certificates to trust instead of the system's."""

    def __post_init__(self) -> None:
        parts = _parts(self.base_url)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise InvalidInput(
                f"the base URL of {parts.hostname} holds more than an address", hint="write https://HOST/v1"
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and self.is_local):
            raise InvalidInput(
                f"{self.base_url} is not encrypted: traces and the key would travel in the clear",
                hint="use https; plain http is for this machine only",
            )
        if self.proxy and urlsplit(self.proxy).scheme not in {"http", "https"}:
            raise InvalidInput("the proxy is not an http or https URL", hint="see HTTPS_PROXY")
        if any(not _HEADER.fullmatch(name) or not _one_line(value) for name, value in self.headers):
            raise InvalidInput("a header of the endpoint has a name or a value that HTTP does not allow")
        if not _one_line(self.key) or self.deadline <= 0:
            raise InvalidInput("the key is not one line of ASCII, or the deadline is not above 0")

    @property
    def host(self) -> str:
        """The host and port, to be told to the user before anything is sent."""
        return _parts(self.base_url).netloc

    @property
    def is_local(self) -> bool:
        """Tell whether the endpoint is on this machine."""
        host = _parts(self.base_url).hostname or ""
        return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)

    def masked(self, text: str) -> str:
        """Give `text` without the key and without the values of our headers."""
        for secret in (self.key, *(value for _, value in self.headers)):
            text = text.replace(secret, "***") if len(secret) >= 4 else text
        return text


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise InvalidInput(f"{url!r} is not a base URL", hint="write https://HOST/v1") from error
    if not known or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput(f"{url!r} is not a base URL", hint="write https://HOST/v1")
    return parts


def _one_line(text: str) -> bool:
    return text.isascii() and (text.isprintable() or not text)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Settings:
    """Which model to ask where, and who said where, to be told to the user."""

    endpoint: Endpoint
    model: str
    source: str


def settle(flags: Mapping[str, str], environment: Mapping[str, str], user: Mapping[str, Any]) -> Settings | None:
    """Find the model to ask; None if nothing names one. Flags win over the environment, that over `user`.

    `flags` may hold `base_url` and `model`; a key is never a flag, for all
    processes can read it there. `user` may hold `base_url`, `key`, `model`,
    `headers` and `deadline`.
    """
    if unknown := sorted(user.keys() - _KEYS):
        raise InvalidInput(f"{unknown[0]} is no setting of a model", hint=f"there are: {', '.join(sorted(_KEYS))}")
    named = {"OPENAI_BASE_URL": environment.get("OPENAI_BASE_URL"), "your configuration": user.get("base_url")}
    named = {"--base-url": flags.get("base_url")} | named
    source, url = next(((who, url) for who, url in named.items() if url), ("the default", OPENAI))
    key = environment.get("OPENAI_API_KEY") or user.get("key") or ""
    model = flags.get("model") or environment.get("GITSKILL_MODEL") or user.get("model")
    if not (any(named.values()) or key or model):
        return None
    if not model:
        raise InvalidInput("no model is named", hint="name one with --model or GITSKILL_MODEL, or go --offline")
    endpoint = Endpoint(
        base_url=_text("base_url", url).rstrip("/"),
        key=_text("key", key),
        headers=_headers(user.get("headers", {})),
        deadline=_seconds(user.get("deadline", DEADLINE)),
        proxy=proxy_for(_text("base_url", url), environment),
        certificates=environment.get("SSL_CERT_FILE", ""),
    )
    if not (endpoint.key or endpoint.headers or endpoint.is_local):
        raise InvalidInput(f"there is no key for {endpoint.host}", hint="set OPENAI_API_KEY")
    return Settings(endpoint, _text("model", model), source)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"the setting {name} is not text")
    return value


def _headers(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not all(isinstance(part, str) for item in value.items() for part in item):
        raise InvalidInput("the setting headers is not a mapping of texts")
    return tuple(sorted(value.items()))


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
        raise InvalidInput("the setting deadline is not a number of seconds, up to a day")
    return float(value)


def proxy_for(url: str, environment: Mapping[str, str]) -> str:
    """Find the proxy for `url`. Only https goes through one: it sees the host's name and nothing else."""
    parts = _parts(url)
    proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy") or ""
    spared = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    direct = parts.scheme != "https" or any(_covers(each.strip(), parts.hostname or "") for each in spared.split(","))
    return "" if direct else proxy


def _covers(pattern: str, host: str) -> bool:
    domain = pattern.lstrip("*").lstrip(".").lower()
    return pattern == "*" or (bool(domain) and (host == domain or host.endswith(f".{domain}")))
