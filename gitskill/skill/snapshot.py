"""One version of a skill's files, as an immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gitskill.skill.text import Text

SKILL_FILE = "SKILL.md"
SKILL_FOLDERS = frozenset({"references", "scripts", "assets"})


@dataclass(frozen=True)
class Skill:
    """The files of a skill's folder by their path inside it."""

    files: Mapping[str, bytes]
    executable: frozenset[str] = frozenset()
    """Paths with the executable bit. It is kept, never given."""
    foreign: Mapping[str, str] = field(default_factory=dict)
    """What is in the folder and not the skill's to change, by path: `symlink`, `submodule`, or `other`.

    `other` is a file or folder of the repository whose root is the skill.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))
        object.__setattr__(self, "foreign", MappingProxyType(dict(self.foreign)))
        object.__setattr__(self, "executable", frozenset(self.executable))

    def __hash__(self) -> int:
        # Python keeps the hash of bytes, so this is cheap, and what is computed of a base can be kept by it.
        return hash((frozenset(self.files.items()), self.executable, frozenset(self.foreign.items())))

    def text(self, path: str) -> Text:
        """Give the lines of `path`; an absent file has none."""
        return Text.parse(self.files.get(path, b""))

    def with_file(self, path: str, data: bytes | None) -> "Skill":
        """Return this skill with `path` holding `data`, or without `path` where `data` is None."""
        files = {name: old for name, old in self.files.items() if name != path}
        if data is not None:
            files[path] = data
        return replace(self, files=files, executable=self.executable & files.keys())


def is_own_path(path: str) -> bool:
    """Tell whether `path` is the skill's where its folder is a repository's root: other things live there too."""
    return path == SKILL_FILE or path.partition("/")[0] in SKILL_FOLDERS


def is_binary(data: bytes) -> bool:
    """Tell whether a file has no lines and can only be replaced whole. Git's rule: it holds a NUL."""
    return b"\0" in data
