"""Shell commands as values: words, stages of a pipeline, programs, and how alike two commands are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from gitskill.analysts.offline.masks import general

_LONGEST = 3000
"""Characters of a command that are looked at: what follows is a document that it writes."""

_HERE_DOCUMENT = re.compile(r"<<-?\s*(['\"]?)(\w+)\1([^\n]*)\n.*?(?:^\s*\2\s*$|\Z)", re.DOTALL | re.MULTILINE)
_WORD = re.compile(
    r"""[<>]\((?:[^()]|\([^()]*\))*\)
      | (?:&|\d*)>>?(?:&\d|\s*[^\s|&;<>()]+)? | <<<?-? | <
      | \|\|? | && | & | ;;? | \n
      | (?: \$?'[^']*' | "(?:\\.|[^"\\])*" | \$\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)
          | \\. | [^\s|&;<>'"\\] | ['"\\] )+
    """,
    re.VERBOSE | re.DOTALL,
)
_BETWEEN = {"|", "||", "&&", "&", ";", ";;", "\n"}
_WORDS_BEFORE = {"then", "do", "else", "if", "while", "until", "time", "env", "nohup", "command", "exec", "{", "("}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_RUNNERS = {"xargs", "sudo", "-exec", "-execdir", "timeout"}
_NAME = re.compile(r"(?!\d+$)[\w./+][\w./+-]*")
QUIET = re.compile(
    r"(?:2|&)>\s*/dev/null|2>&-|>\s*/dev/null\s+2>&1|2>&1\s*\|\s*grep\s+-\w*v"
    r"|\|\|\s*(?:true|:|echo|printf|exit 0)|(?<=\s)-{1,2}(?:quiet|silent|no-messages|ignore-fail\w*)\b"
)
READERS = frozenset(
    ["cat", "head", "tail", "less", "more", "grep", "rg", "egrep", "ag", "sed", "nl", "awk", "jq", "diff", "strings"]
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One program with its words, between pipes and semicolons."""

    words: tuple[str, ...]
    lead: str = ""
    """What joins it to the stage before."""

    @property
    def program(self) -> str:
        """The word that names what is run."""
        return next(iter(self.called), "")

    @property
    def called(self) -> Iterator[str]:
        """Give the program, and those that it runs in turn."""
        named = False
        follows = True
        for word in self.words:
            bare = word.lstrip("({!")
            if follows and bare.strip("})") and not _ASSIGNMENT.match(bare) and bare not in _WORDS_BEFORE:
                if named and not _NAME.fullmatch(bare):
                    continue
                yield bare
                named = True
                follows = bare in _RUNNERS
            elif bare in _RUNNERS:
                follows = True


def without_documents(command: str) -> str:
    """Drop the texts that a command writes to its own input."""
    return _HERE_DOCUMENT.sub(lambda match: f"<<{match[2]}{match[3]}", command)[:_LONGEST].strip()


@lru_cache(maxsize=4096)
def stages(command: str) -> tuple[Stage, ...]:
    """Split a command at pipes, semicolons and ends of lines."""
    found: list[Stage] = []
    words: list[str] = []
    lead = ""
    for match in _WORD.finditer(without_documents(command)):
        word = match[0]
        if word not in _BETWEEN:
            words.append(word)
            continue
        if words:
            found.append(Stage(tuple(words), lead))
        words, lead = [], word
    if words:
        found.append(Stage(tuple(words), lead))
    return tuple(found)


@lru_cache(maxsize=4096)
def programs(command: str) -> frozenset[str]:
    """Name every program that a command runs, without the folder that it lies in."""
    return frozenset(name.rsplit("/", 1)[-1] for stage in stages(command) for name in stage.called)


@lru_cache(maxsize=4096)
def _masked(command: str) -> tuple[str, ...]:
    return tuple(general(word, 40) for stage in stages(command) for word in (stage.lead, *stage.words) if word)[:200]


def alike(one: str, other: str) -> float:
    """Say how alike two commands are, from 0 to 1, apart from the names and numbers in them."""
    return SequenceMatcher(None, _masked(one), _masked(other), autojunk=False).ratio()


@lru_cache(maxsize=4096)
def operands(command: str) -> frozenset[str]:
    """Give what a command is about: its words that are neither program nor flag."""
    return frozenset(
        word.strip("'\"")
        for stage in stages(command)
        for word in stage.words[1:]
        if len(word) > 2 and not word.startswith("-") and not word.startswith(("2>", "&>"))
    )


def is_reader(command: str) -> bool:
    """Tell whether what a command prints is the text of files, where an error may be anybody's."""
    return bool(programs(command) & READERS) or bool(re.match(r"\s*git\s+(?:log|diff|show|blame)\b", command))


def without_case(command: str) -> str:
    """Drop case and blanks: what is left is equal where only these were changed."""
    return re.sub(r"\s+", "", command).lower()
