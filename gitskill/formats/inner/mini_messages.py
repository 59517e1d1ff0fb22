"""The messages of mini-swe-agent, of all its versions, as steps."""

import re
from typing import Any

from gitskill.formats.conversation import Conversation, thought_of
from gitskill.formats.loose import count, mapping, mappings, moment, number, string, text, unpacked
from gitskill.trace import Call, Observation, Origin, Step, Usage

_FENCE = re.compile(r"```(?:mswea_bash_command|bash)[^\S\n]*\n")
_TAG = re.compile(r"<mswea_bash_command>")
_CODE = re.compile(r"\s*(?:<exception>(.*?)</exception>\s*)?<returncode>\s*(-?\d{1,9})\s*</returncode>\n?", re.DOTALL)
_LATE = re.compile(r"The last command <command>.{0,100000}</command> timed out", re.DOTALL)
_PERSON = ("Command not executed. ", "Commands not executed. ", "Interrupted by user: ", "The user added a new task: ")


def steps_of(messages: list[dict[str, Any]]) -> tuple[Step, ...]:
    """Give the steps: answers stand with their commands, and what the harness says of a turn is the system's."""
    reader = _Reader()
    for message in messages:
        reader.take(message)
    return reader.conversation.steps


class _Reader:
    """Finds the command that an answer without an id belongs to: the first that has none."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self._open: list[str] = []
        self._began = False
        self._calls = 0

    def take(self, message: dict[str, Any]) -> None:
        role = "assistant" if message.get("object") == "response" else string(message.get("role"))
        extra = mapping(message.get("extra"))
        if role == "assistant":
            self._said(message, Origin.AGENT)
        elif role == "tool" or message.get("type") == "function_call_output":
            self._answered(string(message.get("tool_call_id") or message.get("call_id")), message)
        elif role == "exit":
            self._ended(message, extra)
        elif role == "user" and mappings(extra.get("actions")):
            self._said(message, Origin.USER)
        elif role == "user" and self._began:
            self._replied(message, extra)
        else:
            origin = Origin.USER if role == "user" else Origin.SYSTEM
            self.conversation.add(Step(origin, _text(message), time=_time(message)))

    def _said(self, message: dict[str, Any], origin: Origin) -> None:
        self._began = True
        said, commands = _commands(message)
        keys = [key or f"#{self._calls + number_}" for number_, (key, _) in enumerate(commands)]
        self._calls += len(keys)
        self._open = keys
        calls = tuple(Call("bash", {"command": command}) for _, command in commands)
        thought = _thought(message) if origin is Origin.AGENT else ""
        self.conversation.add(Step(origin, said, thought, calls, _usage(message), _time(message)), keys)

    def _replied(self, message: dict[str, Any], extra: dict[str, Any]) -> None:
        """Read what came back as a user's message: an answer, a person's interruption, or the harness's complaint."""
        said = _text(message)
        kind = string(extra.get("interrupt_type"))
        if kind.startswith("User") or (not kind and said.startswith(_PERSON)):
            self.conversation.add(Step(Origin.USER, said, time=_time(message)))
        elif self._open and not kind:
            self._answered(self._open[0], message)
        else:
            self._refused(extra)
            self.conversation.add(Step(Origin.SYSTEM, said, time=_time(message)))

    def _refused(self, extra: dict[str, Any]) -> None:
        """Add the turn that the harness complains of: v2 keeps it with the complaint only."""
        response = mapping(extra.get("response"))
        told = _choice(response) or ({**response, "object": "response"} if response else {})
        turn = {
            "content": extra.get("model_response"),
            **told,
            "extra": {"response": response, "cost": extra.get("cost")},
        }
        step = Step(Origin.AGENT, _text(turn), _thought(turn), usage=_usage(turn), time=_time(turn))
        self.conversation.add(step)

    def _ended(self, message: dict[str, Any], extra: dict[str, Any]) -> None:
        """Read the end of v2. What was submitted is what the last command gave back."""
        said = _text(message)
        if extra.get("exit_status") == "Submitted" and self._open:
            self.conversation.answer(self._open.pop(), Observation(said))
        else:
            self.conversation.add(Step(Origin.SYSTEM, said, time=_time(message)))

    def _answered(self, key: str, message: dict[str, Any]) -> None:
        self._open = [other for other in self._open if other != key]
        self.conversation.answer(key, _observation(message), step=Step(Origin.TOOL, time=_time(message)))


def _text(message: dict[str, Any]) -> str:
    if message.get("object") == "response":
        said = [item for item in mappings(message.get("output")) if item.get("type") == "message"]
        return "\n".join(text(item.get("content")) for item in said)
    return text(message.get("content") if message.get("content") is not None else message.get("output"))


def _thought(message: dict[str, Any]) -> str:
    if message.get("object") == "response":
        reasoned = [item for item in mappings(message.get("output")) if item.get("type") == "reasoning"]
        return "\n".join(filter(None, (text(item.get("summary")) or text(item.get("content")) for item in reasoned)))
    return thought_of(message) or thought_of(_choice(mapping(mapping(message.get("extra")).get("response"))))


def _choice(response: dict[str, Any]) -> dict[str, Any]:
    choices = mappings(response.get("choices"))
    return mapping(choices[0].get("message")) if choices else {}


def _commands(message: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Give what was said without its commands, and these with their ids."""
    said = _text(message)
    extra = mapping(message.get("extra"))
    if isinstance(extra.get("actions"), list):
        told = mappings(extra["actions"])
        commands = [(string(action.get("tool_call_id")), string(action.get("command"))) for action in told]
    else:
        commands = [(string(call.get("id")), _argument(call)) for call in mappings(message.get("tool_calls"))]
    blocks = _blocks(said)
    if len(blocks) == 1 and (not commands or commands[0][1].strip() == blocks[0][1].strip()):
        before, command, after = blocks[0]
        said = "\n\n".join(part for part in (before.strip(), after.strip()) if part)
        commands = commands or [("", command.strip())]
    return said, commands


def _argument(call: dict[str, Any]) -> str:
    arguments = unpacked(mapping(call.get("function")).get("arguments"))
    return string(mapping(arguments).get("command"))


def _blocks(said: str) -> list[tuple[str, str, str]]:
    """Give each command in a text, with what stands before and after it."""
    found = []
    for opening, closing in ((_FENCE, "\n```"), (_TAG, "</mswea_bash_command>")):
        at = 0
        while opened := opening.search(said, at):
            end = said.find(closing, opened.end())
            if end < 0:
                break
            at = end + len(closing)
            found.append((said[: opened.start()], said[opened.end() : end], said[at:]))
    return found


def _observation(message: dict[str, Any]) -> Observation:
    """Read an answer: v2 tells the exit code and the whole output, v1 writes them into the text."""
    extra = mapping(message.get("extra"))
    said = _text(message)
    if isinstance(raw := extra.get("raw_output"), str):
        failed = string(extra.get("exception_info"))
        return Observation("\n".join(filter(None, (failed, raw))), _exit_code(extra.get("returncode")), bool(failed))
    if not (coded := _CODE.match(said)):
        return Observation(said, is_error=bool(_LATE.match(said)))
    failed, code = coded[1] or "", int(coded[2])
    return Observation("\n".join(filter(None, (failed, _output(said[coded.end() :])))), code, bool(failed))


def _exit_code(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None and abs(found) < 1e9 else None


def _output(said: str) -> str:
    """Give the output alone, as the command wrote it. Of a long one the harness shows the two ends."""
    if said.startswith("<output>"):
        return said.removeprefix("<output>").removeprefix("\n").rstrip().removesuffix("</output>")
    head, closed, rest = said.partition("<output_head>\n")[2].partition("\n</output_head>")
    left_out, _, rest = rest.partition("<elided_chars>")[2].partition("</elided_chars>")
    tail = rest.partition("<output_tail>\n")[2].rpartition("\n</output_tail>")[0]
    return f"{head}\n[{left_out.strip()}]\n{tail}" if closed else said


def _usage(message: dict[str, Any]) -> Usage:
    extra = mapping(message.get("extra"))
    response = message if message.get("object") == "response" else mapping(extra.get("response"))
    told = mapping(response.get("usage"))
    details = mapping(told.get("prompt_tokens_details")) or mapping(told.get("input_tokens_details"))
    cost = number(extra.get("cost"))
    return Usage(
        input=count(told.get("prompt_tokens", told.get("input_tokens"))),
        output=count(told.get("completion_tokens", told.get("output_tokens"))),
        cached=count(details.get("cached_tokens")),
        cost=number(told.get("cost")) if cost is None else cost,
    )


def _time(message: dict[str, Any]) -> str:
    extra = mapping(message.get("extra"))
    created = mapping(extra.get("response")).get("created") or message.get("created_at")
    return moment(extra.get("timestamp") or message.get("timestamp") or created)
