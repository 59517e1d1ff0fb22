"""Chats as lists of messages: fine-tuning files, API logs, results of `verifiers`.

One run in each line (`{"messages": [...]}`, `{"prompt": [...], "completion":
[...]}`, `{"request": ..., "response": ...}`), or one bare list of messages. The
shape has no label and no task: both are read from keys that are a convention
(docs/formats.md), at the top or in `metadata`. A known answer is never read.
"""

from collections.abc import Iterator
from typing import Any

from gitskill.formats.conversation import converse
from gitskill.formats.inner.chat_tags import called
from gitskill.formats.inner.message_parts import usage
from gitskill.formats.inner.verdicts import CLEAR, VAGUE, Score, decided
from gitskill.formats.loose import items, mapping, mappings, number, string, unpacked, written
from gitskill.formats.reading import Reading, Refused, per_row
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import UNKNOWN, Origin, Trace, Usage

NAME = "openai-chat"

_ROLES = {"system", "developer", "user", "assistant", "tool", "function"}
_PLACES = ("messages", "trajectory", "conversations")
_SHARED = {"human": "user", "gpt": "assistant", "model": "assistant", "observation": "tool"}
"""The roles of ShareGPT's messages, which are `{"from": ..., "value": ...}`."""
_TASKS = ("task_id", "instance_id", "example_id")
_SESSIONS = ("session_id", "trace_id", "run_id", "conversation_id")
_LABELS = {*CLEAR, *VAGUE} - {"accuracy"}
NO_STEP = "no step taken by the agent"
PAIR = "a preference pair holds two answers and no run"


def recognise(source: Source) -> bool:
    """Look for messages with roles in one of the known places."""
    return any(_is_message(first) or _is_row(_usual(mapping(first))) for first in source.opening[:3])


def is_metadata(document: Any) -> bool:
    """Tell what `verifiers` writes of a whole evaluation, beside its results."""
    return {"model", "num_examples", "rollouts_per_example"} <= mapping(document).keys()


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each row, or one for a file that is a list of messages."""
    if source.opening and _is_message(source.opening[0]):
        yield _reading({"messages": [message for _, message in source.records()]}, "")
    else:
        yield from per_row(source, lambda row, place: _run(_usual(mapping(row)), place))


def _run(row: dict[str, Any], place: str) -> Reading | Refused:
    if "preferred_output" in row or {"chosen", "rejected"} <= row.keys():
        return Refused(PAIR, place)
    return _reading(row, place) if _is_row(row) else Refused("no messages in this row", place)


def _usual(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row with its messages where most have them, as a list: data sets keep them as JSON in a text, too."""
    for key in _PLACES:
        told = [_named(each) for each in items(unpacked(row.get(key)))]
        if told and _is_message(told[0]):
            return row | {"messages": told}
    return row


def _named(message: Any) -> Any:
    told = mapping(message)
    if not {"from", "value"} <= told.keys():
        return message
    return {"role": _SHARED.get(string(told["from"]), told["from"]), "content": told["value"]}


def _is_message(value: Any) -> bool:
    told = mapping(value)
    return string(told.get("role")) in _ROLES and bool({"content", "tool_calls", "function_call"} & told.keys())


def _is_row(row: dict[str, Any]) -> bool:
    request = mapping(row.get("request"))
    lists = [row.get("messages"), row.get("prompt"), request.get("messages"), mapping(row.get("input")).get("messages")]
    if any(_is_message(each) for given in lists for each in items(given)[:1]):
        return "prompt" not in row or "completion" in row or "messages" in row
    return isinstance(row.get("prompt"), str) and isinstance(row.get("completion"), str | list)


def _reading(row: dict[str, Any], place: str) -> Reading:
    given, asked = _messages(row)
    messages = list(called(given))
    steps = converse(messages).steps
    response, request = mapping(row.get("response")), mapping(row.get("request"))
    error = next((_error(each.get("error")) for each in (row, response) if each.get("error")), "")
    trace = Trace(
        format=NAME,
        task=_task(row),
        request=asked,
        steps=steps,
        agent="",
        model=next((name for each in (response, request, row) if (name := string(each.get("model")))), ""),
        session=next((found for key in _SESSIONS if (found := _side(row, key))), ""),
        result=next((step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text), ""),
        usage=_usage(row),
        error=error,
    )
    return Reading(trace, _outcome(row, error, is_done=bool(trace.actions)), place)


def _messages(row: dict[str, Any]) -> tuple[list[Any], str]:
    """Give all messages of a row, and what was asked: in a prompt of several turns, the last of them."""
    request, response = mapping(row.get("request")), mapping(row.get("response"))
    if request:
        answers = _chosen(response) or ([response] if "content" in response else [])
        system = [{"role": "system", "content": request["system"]}] if request.get("system") else []
        sent = system + items(request.get("messages"))
        return sent + answers, _asked(sent)
    if "completion" in row and "messages" not in row:
        prompt = _listed(row.get("prompt"), "user")
        return prompt + _listed(row["completion"], "assistant"), _asked(prompt[::-1])
    sent = items(row.get("messages")) or items(mapping(row.get("input")).get("messages"))
    return sent + _chosen(response), _asked(sent)


def _chosen(response: dict[str, Any]) -> list[Any]:
    """Give the answer of a logged call of a model, if it has one: the first choice."""
    return [choice.get("message") for choice in mappings(response.get("choices"))[:1]]


def _listed(value: Any, role: str) -> list[Any]:
    return [{"role": role, "content": value}] if isinstance(value, str) else items(value)


def _asked(messages: list[Any]) -> str:
    """Give the first text of the user; an answer of a tool in the user's name has none."""
    steps = (converse([each]).steps for each in messages if _role(each) == "user")
    return next((step.text for made in steps for step in made if step.origin is Origin.USER and step.text.strip()), "")


def _role(message: Any) -> str:
    return string(mapping(message).get("role"))


def _side(row: dict[str, Any], key: str) -> str:
    """Give a name that stands beside the messages; a text of several words is none."""
    found = string(row.get(key)) or string(mapping(row.get("metadata")).get(key))
    return found if len(found) <= 200 and not any(letter.isspace() for letter in found) else ""


def _task(row: dict[str, Any]) -> str:
    """Name the task. In the results of `verifiers`, `task` names the environment and is the same in all rows."""
    if named := next((found for key in _TASKS if (found := _side(row, key))), ""):
        task = _side(row, "task")
        return f"{task}-{named}" if task and "completion" in row and named.isdecimal() else named
    return "-".join(filter(None, (_side(row, "task"), _side(row, "id"))))


def _usage(row: dict[str, Any]) -> Usage:
    places = (mapping(row.get("response")).get("usage"), row.get("usage"), row.get("token_usage"))
    return next((found for place in places if (found := usage(place)) != UNKNOWN), UNKNOWN)


def _error(value: Any) -> str:
    told = mapping(value)
    return string(told.get("message") or told.get("error")) or written(value)


def _outcome(row: dict[str, Any], error: str, *, is_done: bool) -> Outcome:
    """Read the labels; in the results of `verifiers` only the reward: what stands beside it are parts of it."""
    places = [row, mapping(row.get("metadata"))]
    scores = [
        Score(key, each[key]) for each in places for key in each if key.lower() in _LABELS and _is_label(each[key])
    ]
    reward = number(row.get("reward")) if "completion" in row else None
    # A weighted sum may go beyond 1; beside it stand its parts.
    outcome = decided(scores, "") if reward is None else Outcome.scored(reward, "reward")
    if error and outcome.status is not Status.SUCCESS:
        return Outcome.broken(error, "error", reward=outcome.reward)
    if not is_done and outcome.status is Status.UNLABELLED:
        return Outcome.broken(NO_STEP, "messages")
    return outcome


def _is_label(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != ""
