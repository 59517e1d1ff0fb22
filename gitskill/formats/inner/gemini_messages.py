"""The messages of a Gemini CLI session, and the steps that they are."""

import re
from typing import Any

from gitskill.formats.conversation import Conversation
from gitskill.formats.loose import count, mapping, mappings, moment, string, written
from gitskill.trace import Call, Observation, Origin, Step, Usage

KINDS = {"user", "gemini", "info", "error", "warning"}

_CONTEXT = (
    "<session_context>",
    "<state_snapshot>",
    "<hook_context>",
    "This is the Gemini CLI. We are setting up the context",
    "Here is the user's editor context",
    "Here is a summary of changes in the user's editor context",
    "System: Please continue.",
)
"""How texts begin that Gemini CLI sends in the user's name."""

_FILES = "--- Content from referenced files ---"
"""What stands between the user's words and the files that they name."""

_COMMAND = re.compile(r"/[a-zA-Z][\w:-]*(?=\s|$)|\?$")
"""A slash command: it is meant for the program, not for the agent. A path has a second slash."""

_EXIT = re.compile(
    r"^Exit Code: (-?\d{1,9})[ \r]*(?:\n(?:Signal|Background PIDs|Process Group PGID): [^\n]*)*\s*\Z", re.MULTILINE
)
"""The exit code in a shell's result, below the output. The output may hold such a line of its own."""

_SHELL = "run_shell_command"
_OPEN = {"scheduled", "validating", "awaiting_approval", "executing"}


class Teller:
    """What is known of a run while its messages are read."""

    def __init__(self) -> None:
        self.request = ""
        self.fault = ""
        """The last error after which the agent did nothing more."""
        self.result = ""
        self.used: list[Usage] = []
        self.models: dict[str, None] = {}
        self._conversation = Conversation()
        self._known: set[str] = set()
        """Ids and names of calls whose results stand beside them."""
        self._is_command = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far."""
        return self._conversation.steps

    def tell(self, message: dict[str, Any]) -> None:
        """Add one message."""
        kind, time = string(message.get("type")), moment(message.get("timestamp"))
        if kind == "gemini":
            self._agent(message, time)
        elif kind == "user":
            self._user(message, time)
        elif kind in KINDS:
            said = _text(message.get("content"))
            self._conversation.add(Step(Origin.SYSTEM, said, time=time))
            if kind == "error" and not self._is_command:
                self.fault = said or "an error without a message"

    def _agent(self, message: dict[str, Any], time: str) -> None:
        parts = _parts(message.get("content"))
        told = mappings(message.get("toolCalls"))
        asked = [mapping(part["functionCall"]) for part in parts if "functionCall" in part and not told]
        calls = [(_key(call), _call(call)) for call in told]
        self._known |= {name for key, call in calls if call.observation for name in (key, call.name)}
        calls += [(_key(call), Call(string(call.get("name")), call.get("args"))) for call in asked]
        thoughts = [_thought(thought) for thought in mappings(message.get("thoughts"))]
        thoughts += [string(part.get("text")) for part in parts if part.get("thought") is True]
        said, used = _text(message.get("content")), _usage(mapping(message.get("tokens")))
        thought = "\n\n".join(filter(None, thoughts))
        step = Step(Origin.AGENT, said, thought, tuple(call for _, call in calls), used, time)
        self._conversation.add(step, [key for key, _ in calls])
        self.used.append(used)
        self.fault, self.result = "", said or self.result
        if model := string(message.get("model")):
            self.models[model] = None

    def _user(self, message: dict[str, Any], time: str) -> None:
        """Add a user's turn; what a tool returned may be sent as one."""
        for part in _parts(message.get("content")):
            response = mapping(part.get("functionResponse"))
            if response and _key(response) not in self._known:
                observation = _observed(_returned(response.get("response")), string(response.get("name")))
                self._conversation.answer(_key(response), observation)
        said = _text(message.get("content"))
        typed = _text(message.get("displayContent")) or said.partition(_FILES)[0]
        is_context = said.lstrip().startswith(_CONTEXT)
        self._conversation.add(Step(Origin.SYSTEM if is_context else Origin.USER, said, time=time))
        if not is_context:
            self._is_command = bool(_COMMAND.match(typed.strip()))
            self.request = self.request or ("" if self._is_command else typed.strip())


def _key(told: dict[str, Any]) -> str:
    """Give what a call and its response share: an id, or in older versions no more than the name."""
    return string(told.get("id")) or string(told.get("name"))


def _parts(content: Any) -> list[dict[str, Any]]:
    return mappings([content] if isinstance(content, dict) else content)


def _text(content: Any) -> str:
    """Give the text of what Google calls a part list: a string, a part, or a list of both."""
    parts = content if isinstance(content, list) else [content]
    return "".join(part if isinstance(part, str) else _part(mapping(part)) for part in parts)


def _part(part: dict[str, Any]) -> str:
    if isinstance(part.get("text"), str):
        return "" if part.get("thought") is True else part["text"]
    for key in ("inlineData", "fileData"):
        if data := mapping(part.get(key)):
            return f"[{string(data.get('mimeType')) or key}]"
    return ""


def _thought(thought: dict[str, Any]) -> str:
    return "\n".join(filter(None, [string(thought.get("subject")), string(thought.get("description"))]))


def _call(told: dict[str, Any]) -> Call:
    return Call(string(told.get("name")), told.get("args"), _result(told))


def _result(told: dict[str, Any]) -> Observation | None:
    """Read what a call returned. Without a result, what the user was shown of it stands in."""
    status, result = string(told.get("status")), told.get("result")
    is_error = status in {"error", "cancelled"}
    responses = [mapping(part["functionResponse"]) for part in _parts(result) if "functionResponse" in part]
    # After older outputs were masked, a call's result may be the whole turn, with the answers to its siblings.
    responses = [response for response in responses if response.get("id") == told.get("id")] or responses
    texts = [*(_returned(response.get("response")) for response in responses), _text(result)]
    returned = "\n".join(filter(None, texts))
    if result is None and not is_error and (status in _OPEN or not isinstance(told.get("resultDisplay"), str)):
        return None
    observation = _observed(returned or string(told.get("resultDisplay")), string(told.get("name")))
    is_error = is_error or any(mapping(response.get("response")).get("error") for response in responses)
    return Observation(observation.text, observation.exit_code, is_error=is_error)


def _returned(response: Any) -> str:
    """Give a tool's words out of its response; what has none of the usual fields is given as JSON."""
    for key in ("output", "error", "content", "result"):
        if (found := mapping(response).get(key)) is not None:
            return _text(found) or written(found)
    return written(response) if response else ""


def _observed(told: str, name: str) -> Observation:
    """Read the exit code of a shell. Newer versions tell it only where it is not 0."""
    found = _EXIT.search(told) if name == _SHELL else None
    return Observation(told, int(found[1]) if found else None)


def _usage(tokens: dict[str, Any]) -> Usage:
    """Read a message's tokens. Google counts cached tokens as input, and thoughts apart from the output."""
    output, thoughts = count(tokens.get("output")), count(tokens.get("thoughts"))
    told = None if output is None and thoughts is None else (output or 0) + (thoughts or 0)
    return Usage(count(tokens.get("input")), told, count(tokens.get("cached")))
