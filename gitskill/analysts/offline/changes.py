"""Which tools change something. No list of anybody's tools: names are read as words, and answers are compared.

A tool changes state if a word of its name, or of the command that is its first
argument, says so (`update_order`, `str_replace`), or if it was seen to: the same
read, asked before and after, answered differently and nothing else lay between.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from gitskill.analysts.offline.acts import Act, Kind, Run

_CHANGING = frozenset(
    [
        "add",
        "apply",
        "append",
        "assign",
        "attach",
        "book",
        "buy",
        "cancel",
        "change",
        "charge",
        "clear",
        "close",
        "commit",
        "convert",
        "copy",
        "create",
        "deactivate",
        "delete",
        "deploy",
        "disable",
        "drop",
        "edit",
        "enable",
        "escalate",
        "exchange",
        "execute",
        "grant",
        "insert",
        "install",
        "issue",
        "kill",
        "make",
        "mark",
        "merge",
        "modify",
        "move",
        "open_ticket",
        "order",
        "overwrite",
        "pay",
        "place",
        "post",
        "publish",
        "purchase",
        "push",
        "put",
        "refund",
        "register",
        "reject",
        "remove",
        "rename",
        "replace",
        "replan",
        "reschedule",
        "reserve",
        "reset",
        "resolve",
        "restart",
        "return",
        "revoke",
        "rollback",
        "save",
        "schedule",
        "send",
        "set",
        "ship",
        "start",
        "stop",
        "submit",
        "subscribe",
        "suspend",
        "swap",
        "transfer",
        "undo",
        "uninstall",
        "unsubscribe",
        "update",
        "upgrade",
        "upload",
        "upsert",
        "withdraw",
        "write",
    ]
)
_READING = frozenset(
    [
        "ask",
        "browse",
        "calculate",
        "check",
        "compare",
        "compute",
        "count",
        "describe",
        "diff",
        "download",
        "explain",
        "fetch",
        "find",
        "get",
        "glob",
        "grep",
        "inspect",
        "list",
        "load",
        "look",
        "lookup",
        "ls",
        "open",
        "peek",
        "preview",
        "print",
        "query",
        "read",
        "recall",
        "retrieve",
        "scan",
        "scroll",
        "search",
        "show",
        "stat",
        "status",
        "summarize",
        "tail",
        "test",
        "think",
        "todo",
        "todowrite",
        "validate",
        "verify",
        "view",
        "wait",
        "exit",
        "finish",
    ]
)
_HANDS_OVER = {"transfer", "escalate", "handoff", "handover"}
_SUB_COMMANDS = ("command", "action", "operation", "method", "cmd", "op")
_ID = re.compile(r"(?:^|_)(?:id|ids|key|number|uuid|slug)$")
_PLACE = re.compile(r"(?:^|_)(?:path|file|filename|file_path|url|uri|name|email|title)$")


@lru_cache(maxsize=1024)
def words_of(name: str) -> tuple[str, ...]:
    """Split the name of a tool into its words."""
    return tuple(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))


def called(act: Act) -> str:
    """Name a call: the tool, with the sub-command where its first argument is one."""
    if isinstance(act.arguments, Mapping):
        for key in _SUB_COMMANDS:
            value = act.arguments.get(key)
            if isinstance(value, str) and re.fullmatch(r"[a-z]\w{1,30}", value):
                return f"{act.tool} {value}"
    return act.tool


def changers(runs: Iterable[Run]) -> frozenset[str]:
    """Name the calls, among all in these runs, that change something."""
    runs = list(runs)
    names = {called(act) for run in runs for act in run.acts if act.kind is Kind.CALL}
    seen = {name for run in runs for name in _seen_to_change(run)}
    return frozenset(name for name in names if _says(name) is True or (_says(name) is None and name in seen))


def hands_over(name: str) -> bool:
    """Tell whether a call gives the task to somebody else."""
    return bool(_HANDS_OVER & set(words_of(name)))


def entity(act: Act) -> tuple[str, str]:
    """Give the argument that says what a call is about, and its value; empty where none does."""
    if not isinstance(act.arguments, Mapping):
        return "", ""
    scalars = {key: str(value) for key, value in act.arguments.items() if isinstance(value, str | int)}
    said = set(words_of(act.tool))
    ids = [key for key in scalars if _ID.search(key)]
    best = [key for key in ids if said & set(words_of(key))] or [key for key in scalars if _PLACE.search(key)] or ids
    return (best[0], scalars[best[0]]) if best else ("", "")


@lru_cache(maxsize=1024)
def _says(name: str) -> bool | None:
    """Read from its name whether a call changes something; None where no word tells."""
    for word in reversed(name.split(" ")):
        for part in words_of(word):
            if part in _READING:
                return False
            if part in _CHANGING:
                return True
    return None


def _seen_to_change(run: Run) -> Iterable[str]:
    """Give the calls that stand alone between two equal reads with different answers."""
    last: dict[str, tuple[int, str]] = {}
    for act in run.acts:
        if act.kind is not Kind.CALL or _says(called(act)) is not False:
            continue
        asked = f"{act.tool} {act.arguments}"
        if asked in last and last[asked][1] != act.answer:
            between = run.acts[last[asked][0] + 1 : act.at]
            names = {called(other) for other in between if _says(called(other)) is not False}
            if len(names) == 1:
                yield names.pop()
        last[asked] = (act.at, act.answer)
