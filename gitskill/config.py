"""What the user and a repository have configured, as values. A repository may only narrow.

Bytes come in and values go out: which files are read, and when, stands in `cli/models.py`.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gitskill.errors import InvalidInput
from gitskill.skill.safe_yaml import load

MAX_BYTES = 64 * 1024
WORKERS = 32
MOST_WORKERS = 256
VERIFY = ("auto", "require", "off")
"""Whether a fix is tried in the sandbox: where there is one (the default), always, never."""

_LIMITS = ("max_calls", "max_tokens", "max_usd")
_WHOLE = frozenset({"max_calls", "max_tokens", "workers"})
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")


@dataclass(frozen=True, slots=True)
class UserConfig:
    """The user's file. What is inside `model` and `prices` is checked by those who use it; no secret is shown."""

    model: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """As `model.endpoint.settle` takes it."""
    prices: Mapping[str, Any] = field(default_factory=dict)
    """As `model.prices.table` takes it."""
    limits: Mapping[str, float] = field(default_factory=dict)
    prompts: Path | None = None
    workers: int | None = None
    verify: str | None = None

    @property
    def secrets(self) -> Mapping[str, str]:
        """Give the key and the headers under names that say secret, as an environment would hold them."""
        headers = self.model.get("headers")
        values = [self.model.get("key"), *(headers.values() if isinstance(headers, dict) else ())]
        return {f"GITSKILL_KEY_{at}": value for at, value in enumerate(values) if isinstance(value, str)}


def place(environment: Mapping[str, str]) -> Path | None:
    """Tell where the user's file is, if there is one; None where nothing says which folder is the user's."""
    if named := environment.get("GITSKILL_CONFIG"):
        return Path(named)
    return _own(environment, "XDG_CONFIG_HOME", ".config", "config.yml")


def own_ledger(environment: Mapping[str, str]) -> Path | None:
    """Tell where paid answers are kept while there is no repository for them; None as for `place`."""
    return _own(environment, "XDG_STATE_HOME", ".local/state", "ledger.db")


def _own(environment: Mapping[str, str], variable: str, usual: str, name: str) -> Path | None:
    folder, home = environment.get(variable, ""), environment.get("HOME", "")
    # A relative folder would be the repository's: the standard says to ignore it.
    if folder.startswith("/"):
        return Path(folder) / "gitskill" / name
    return Path(home) / usual / "gitskill" / name if home.startswith("/") else None


def parse(data: bytes, path: Path, home: Path | None = None) -> UserConfig:
    """Read the user's file `path`, or raise InvalidInput that names it and the key that is wrong, never a value."""
    try:
        document = _document(data)
        _refuse_unknown(document, ("limits", "model", "prices", "prompts", "verify", "workers"))
        return UserConfig(
            _model(_section(document, "model")),
            {name: _numbers(price) for name, price in _section(document, "prices").items()},
            _limits(_section(document, "limits")),
            _folder(document.get("prompts"), path.parent, home),
            _workers(document.get("workers")),
            _verify(document.get("verify")),
        )
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}", hint=error.hint) from error


def narrowing(data: bytes) -> Mapping[str, Any]:
    """Read a repository's file, as `model.budget.narrowed` takes it, which refuses all that does not narrow."""
    return {key: _number(value) for key, value in _document(data).items()}


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("it is not UTF-8") from error
    value = load(text, max_bytes=MAX_BYTES, max_events=20_000)
    if not isinstance(value, dict | None) and value != "":
        raise InvalidInput("it is not a mapping of settings")
    return value if isinstance(value, dict) else {}


def _section(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key) or {}  # a heading with nothing under it is an empty text
    if not isinstance(value, dict):
        raise InvalidInput(f"{key} is not a mapping of settings")
    return value


def _refuse_unknown(keys: Iterable[str], known: Collection[str]) -> None:
    for key in keys:
        if key not in known:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
            raise InvalidInput(f"{key[:60]} is no setting here", hint=hint)


def _model(section: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: _number(value) if key == "deadline" else value for key, value in section.items()}


def _limits(section: Mapping[str, Any]) -> Mapping[str, float]:
    _refuse_unknown(section, _LIMITS)
    return {key: _checked(key, value) for key, value in section.items()}


def _workers(value: object) -> int | None:
    workers = None if value is None else int(_checked("workers", value))
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InvalidInput(f"workers is not from 1 to {MOST_WORKERS}")
    return workers


def _verify(value: object) -> str | None:
    if value is not None and value not in VERIFY:
        raise InvalidInput(f"verify is not one of {', '.join(VERIFY)}")
    return None if value is None else str(value)


def _folder(value: object, beside: Path, home: Path | None) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise InvalidInput("prompts is not the path of a folder")
    return home / value[2:] if home and value.startswith("~/") else beside / value


def _checked(key: str, value: object) -> float:
    number = _number(value)
    if isinstance(number, int) or (isinstance(number, float) and key not in _WHOLE):
        return number
    raise InvalidInput(f"{key} is not a {'whole ' if key in _WHOLE else ''}number from 0 on")


def _numbers(value: object) -> object:
    return {key: _number(item) for key, item in value.items()} if isinstance(value, dict) else value


def _number(value: object) -> object:
    """Give the number that a text is; all else as it is, to be refused with its key where it is used."""
    if not isinstance(value, str) or not (found := _NUMBER.fullmatch(value)):
        return value
    return float(value) if found[1] else int(value)
