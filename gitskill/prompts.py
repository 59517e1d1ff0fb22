"""What is said to models: the texts of `templates/prompts`, each of which a user may replace by a file of their own."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from string import Template

from gitskill.errors import InvalidInput
from gitskill.resources import resource

ANALYST = (
    "analyst-acts-check.md",
    "analyst-acts-sandbox.md",
    "analyst-acts.md",
    "analyst-correction.md",
    "analyst-error-last.md",
    "analyst-error-repeated.md",
    "analyst-error-result.md",
    "analyst-error-task.md",
    "analyst-error.md",
    "analyst-rules.md",
    "analyst-success-task.md",
    "analyst-success.md",
)
"""All that analysts say; lessons name them by one hash."""

DRAFT = ("draft-correction.md", "draft-task.md", "draft.md")
"""What is said to a model that drafts a new skill; the commit of a draft names them by one hash."""

_SUFFIXES = {".md", ".txt"}
_NOTES = "README.md"
"""A file in which users may write what they changed."""


class Prompts:
    """The prompts as they are used. A user's files are read once, here: none can change in the middle of a run.

    Raises InvalidInput, and names the file, where one cannot take the place of the prompt whose name it has.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._own: Mapping[str, str] = _read(folder) if folder else {}

    def text(self, name: str, **values: str) -> str:
        """Fill the `$names` of a prompt in one pass, or raise KeyError: its names must be just these."""
        template = Template(self._source(name))
        if unused := values.keys() - set(template.get_identifiers()):
            raise KeyError(f"{name} has no place for {', '.join(sorted(unused))}")
        return template.substitute(values)

    @cached_property
    def hash(self) -> str:
        """Name the analysts' prompts, as they are used, by 8 hex digits."""
        return self.hash_of(ANALYST)

    def hash_of(self, names: Sequence[str]) -> str:
        """Name some prompts, as they are used, by 8 hex digits."""
        used = [[name, self._source(name)] for name in names]
        return hashlib.sha256(json.dumps(used).encode()).hexdigest()[:8]

    def _source(self, name: str) -> str:
        return self._own[name] if name in self._own else _shipped(name)


@cache
def _shipped(name: str) -> str:
    return resource(f"templates/prompts/{name}").read_text(encoding="utf-8").strip()


def _read(folder: Path) -> dict[str, str]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.name != _NOTES)
        return {path.name: _checked(path, path.read_text(encoding="utf-8").strip()) for path in paths}
    except OSError as error:
        raise InvalidInput(f"{error.filename or folder} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"a prompt in {folder} is not UTF-8: {error.reason}") from error


def _checked(path: Path, text: str) -> str:
    """Give `text` if it can stand where the prompt of this name stands."""
    if path.name not in (known := (*ANALYST, *DRAFT)):
        close = get_close_matches(path.name, known, 1)
        raise InvalidInput(f"{path} replaces no prompt" + (f", did you mean {close[0]}?" if close else ""))
    for found in Template.pattern.finditer(text):
        if found["invalid"] is not None:
            line = text.count("\n", 0, found.start()) + 1
            raise InvalidInput(f"{path}, line {line}: a lone dollar sign", hint="write $$ for a dollar sign")
    needed, named = (set(Template(each).get_identifiers()) for each in (_shipped(path.name), text))
    if missing := needed - named:
        raise InvalidInput(f"{path} lacks {_names(missing)}", hint="what stands there is filled in by gitskill")
    if extra := named - needed:
        raise InvalidInput(f"{path} names {_names(extra)}, which nothing fills", hint="write $$ for a dollar sign")
    return text


def _names(names: set[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))
