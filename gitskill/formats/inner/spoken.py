"""Calls that an agent wrote into its text, where it has no tools of its own: OpenHands' tags, Terminus' JSON."""

from collections.abc import Iterator
from typing import Any

from gitskill.formats.loose import mapping, mappings, string, unpacked
from gitskill.trace import Call


def spoken(said: str) -> list[Call]:
    """Give the calls in what an agent said, if it wrote them in one of the known ways."""
    if "<function=" in said:
        return list(_tagged(said))
    whole = mapping(unpacked(said[said.find("{") : said.rfind("}") + 1])) if '"commands"' in said else {}
    calls = [Call("bash_command", command) for command in mappings(whole.get("commands")) if "keystrokes" in command]
    return [*calls, Call("mark_task_complete", {})] if whole.get("task_complete") is True else calls


def _tagged(said: str) -> Iterator[Call]:
    """Read `<function=name><parameter=key>value</parameter></function>`; the end is often cut off."""
    inside = said[said.rfind("<function=") :].partition("</function")[0]
    name, closed, rest = inside.removeprefix("<function=").partition(">")
    if closed and string(name).strip():
        yield Call(name.strip(), dict(parameters(rest)))


def parameters(rest: str, opening: str = "<parameter=", closing: str = ">") -> Iterator[tuple[str, Any]]:
    """Give the names and values between the tags of a call."""
    for part in rest.split(opening)[1:]:
        key, _, value = part.partition(closing)
        yield key.strip(), value.rpartition("</parameter>")[0].removeprefix("\n").removesuffix("\n")
