"""YAML from strangers, read as a stream of events: a hostile text is refused before it costs anything.

Everything that makes YAML costly or surprising is refused: aliases and anchors
(a few hundred bytes can stand for gigabytes), tags, merge keys, duplicate keys
and deep nesting. What is left are mappings, lists and strings.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from gitskill.errors import InvalidInput


class UnsafeYaml(InvalidInput):
    """A YAML text that breaks the format or a limit. `reason` names what was found; `line` counts from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"line {line}: found {reason}")
        self.reason = reason
        self.line = line


def load(
    text: str, *, max_bytes: int = 16 * 1024, max_events: int = 2000, max_depth: int = 8, strict: bool = False
) -> object:
    """Read one document of nested `dict`, `list` and `str`; every scalar is a `str`, also `1`, `yes` and `2026-01-01`.

    A text without a document is None. `strict` also refuses what strictyaml
    does, which the specification's own validator uses: flow collections, and
    sibling mappings at different columns.

    Raises UnsafeYaml, an InvalidInput of one line with its line number, and nothing else.
    """
    _check_characters(text, max_bytes)
    return _Reader(_events(text), max_events, max_depth, strict).document()


def _check_characters(text: str, max_bytes: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise UnsafeYaml("bytes that are not UTF-8", text.count("\n", 0, error.start) + 1) from error
    if size > max_bytes:
        raise UnsafeYaml(f"more than {max_bytes} bytes", 1)


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.CBaseLoader)
    except yaml.reader.ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise UnsafeYaml("a control character", line) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise UnsafeYaml(f"broken YAML ({error.problem or error.context})", line) from error


@dataclass
class _Reader:
    """Builds the value while the events arrive, and stops at the first one that is refused."""

    events: Iterator[yaml.Event]
    max_events: int
    max_depth: int
    strict: bool
    seen: int = 0

    def document(self) -> object:
        value = None
        documents = 0
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise UnsafeYaml("a second document", _line(event))
                value = self._value(self._next(), 1)
        return value

    def _next(self) -> yaml.Event:
        event = next(self.events)
        self.seen += 1
        if self.seen > self.max_events:
            raise UnsafeYaml(f"more than {self.max_events} parts", _line(event))
        if isinstance(event, yaml.AliasEvent):
            raise UnsafeYaml("an alias (*name)", _line(event))
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise UnsafeYaml("an anchor (&name)", _line(event))
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag is not None:
            raise UnsafeYaml("a tag (!name)", _line(event))
        return event

    def _value(self, event: yaml.Event, depth: int) -> object:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if depth > self.max_depth:
            raise UnsafeYaml(f"nesting deeper than {self.max_depth}", _line(event))
        if self.strict and isinstance(event, yaml.CollectionStartEvent) and event.flow_style:
            raise UnsafeYaml("a list or mapping in brackets", _line(event))
        return self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else self._list(depth)

    def _list(self, depth: int) -> list[object]:
        items = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, object]:
        items: dict[str, object] = {}
        columns = set()
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = _key(event)
            if key in items:
                raise UnsafeYaml(f"the key {key[:60]!r} twice", _line(event))
            value = self._next()
            if isinstance(value, yaml.MappingStartEvent) and value.start_mark:
                columns.add(value.start_mark.column)
            if self.strict and len(columns) > 1:
                raise UnsafeYaml("mappings side by side, indented differently", _line(value))
            items[key] = self._value(value, depth + 1)
        return items


def _key(event: yaml.Event) -> str:
    if not isinstance(event, yaml.ScalarEvent):
        raise UnsafeYaml("a list or mapping as a key", _line(event))
    key = _scalar(event)
    if key == "<<" and event.implicit[0]:
        raise UnsafeYaml("a merge key (<<)", _line(event))
    return key


def _scalar(event: yaml.ScalarEvent) -> str:
    # The parser refuses control characters in the text, but builds them from escapes such as "\0".
    if any((char < " " and char not in "\t\n\r") or "\x7f" <= char < "\xa0" for char in event.value):
        raise UnsafeYaml("a control character", _line(event))
    return str(event.value)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
