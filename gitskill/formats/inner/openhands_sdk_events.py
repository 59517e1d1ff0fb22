"""The events of OpenHands' SDK: each has a `kind`, and an observation names its action and its tool call."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gitskill.formats.conversation import Conversation, thought_of
from gitskill.formats.inner.openhands_rows import History, metrics_usage
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import items, mapping, mappings, moment, number, string, text, unpacked
from gitskill.trace import Call, Observation, Origin, Step

Json = dict[str, Any]

KINDS = {"SystemPromptEvent", "MessageEvent", "ActionEvent", "ObservationEvent", "UserRejectObservation"}
KINDS |= {"AgentErrorEvent", "ConversationStateUpdateEvent", "ConversationErrorEvent", "ACPToolCallEvent"}
KINDS |= {"Condensation", "CondensationRequest", "CondensationSummaryEvent", "PauseEvent", "TokenEvent"}
KINDS |= {"LLMCompletionLogEvent", "ConversationIterationLimitEvent", "HookExecutionEvent", "StreamingDeltaEvent"}
"""Enough of the SDK's events to know its logs by. Others are read over."""

_SOURCES = {"user": Origin.USER, "agent": Origin.AGENT}
_THINK = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)


def is_sdk_event(value: Any) -> bool:
    """Tell an event of the SDK."""
    event = mapping(value)
    return isinstance(event.get("kind"), str) and event["kind"] in KINDS and isinstance(event.get("source"), str)


def is_sdk_row(value: Any) -> bool:
    """Tell a row whose history, or else whose configuration, is the SDK's."""
    row = mapping(value)
    history, metadata = items(row.get("history")), mapping(row.get("metadata"))
    return any(map(is_sdk_event, history[:20])) or (not history and "llm" in metadata and "llm_config" not in metadata)


def sdk_history(events: Iterable[Any], state: Json) -> History:
    """Read the events of one run; `state` is what the SDK keeps of it beside them."""
    run = _Run(state)
    for event in events:
        run.take(mapping(event))
    return run.history()


class _Run:
    """One run while its events are read."""

    def __init__(self, state: Json) -> None:
        self._conversation = Conversation()
        self._actions: dict[str, str] = {}
        """The action of each tool call."""
        self._answer = ""
        """The model's answer that the newest action came from."""
        self._told: Json = {}
        """What the events say of the run's state."""
        self._kept = {key: value for key, value in state.items() if value}
        self._result = ""
        self._error = ""
        self._notes: list[str] = []
        self._readers = {
            "SystemPromptEvent": self._system,
            "MessageEvent": self._message,
            "ActionEvent": self._action,
            "ObservationEvent": self._observation,
            "UserRejectObservation": self._rejection,
            "AgentErrorEvent": self._agent_error,
            "ACPToolCallEvent": self._acp,
            "Condensation": self._condensation,
            "ConversationStateUpdateEvent": self._update,
            "ConversationErrorEvent": self._conversation_error,
            "ConversationIterationLimitEvent": self._limit,
        }

    def take(self, event: Json) -> None:
        """Read the next event."""
        if reader := self._readers.get(string(event.get("kind"))):
            reader(event)

    def history(self) -> History:
        """Give what the events told."""
        steps = self._conversation.steps
        state = self._told | self._kept
        metrics = _metrics(state.get("stats"))
        named = string(mapping(mapping(state.get("agent")).get("llm")).get("model"))
        used = summed(metrics_usage(one) for one in metrics)
        said = (step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text)
        return History(
            steps=steps,
            agent="openhands-sdk",
            model=named or next((name for one in metrics if (name := string(one.get("model_name")))), ""),
            session=string(state.get("id")),
            result=self._result or next(said, ""),
            usage=used,
            error=self._error or _bad_status(state),
            notes=tuple(self._notes),
        )

    def _add(self, event: Json, origin: Origin, said: str, thought: str = "") -> None:
        self._conversation.add(Step(origin, said, thought, time=moment(event.get("timestamp"))))

    def _system(self, event: Json) -> None:
        told = (text(event.get("system_prompt")), text(event.get("dynamic_context")))
        self._add(event, Origin.SYSTEM, "\n\n".join(filter(None, told)))

    def _message(self, event: Json) -> None:
        """Read a message, then what skills and the repository added to it."""
        message = mapping(event.get("llm_message"))
        origin = _SOURCES.get(string(event.get("source")), Origin.SYSTEM)
        said, thought = _parted(text(message.get("content")), thought_of(message))
        if origin is Origin.AGENT:
            self._goes_on()
        self._add(event, origin, said, thought)
        self._add(event, Origin.SYSTEM, text(event.get("extended_content")))

    def _goes_on(self) -> None:
        """Take it that an error did not end the run, for the agent went on."""
        if self._error:
            self._notes.append(f"the run was interrupted: {self._error}")
        self._error = self._result = ""

    def _action(self, event: Json) -> None:
        """Read a call. Those of one answer are one step; the first of them has what the agent said."""
        self._goes_on()
        call, key = _called(event), string(event.get("id"))
        self._actions[string(event.get("tool_call_id"))] = key
        said, thought = _parted(text(event.get("thought")), _thought(event))
        step = Step(Origin.AGENT, said, thought, time=moment(event.get("timestamp")))
        answer = string(event.get("llm_response_id"))
        if answer and answer == self._answer and not said and not thought:
            self._conversation.call(key, call, step=step)
        else:
            self._conversation.add(replace(step, calls=(call,)), [key])
        self._answer = answer
        if call.name == "finish":
            self._result = string(mapping(call.arguments).get("message"))

    def _observation(self, event: Json) -> None:
        told = mapping(event.get("observation"))
        failed = told.get("is_error") is True or bool(told.get("error"))
        self._settle(event, Observation(_observed(told), _exit_code(told), failed))
        self._add(event, Origin.SYSTEM, text(event.get("extended_content")))

    def _rejection(self, event: Json) -> None:
        self._settle(event, Observation(string(event.get("rejection_reason")), is_error=True))

    def _agent_error(self, event: Json) -> None:
        self._settle(event, Observation(string(event.get("error")), is_error=True))

    def _settle(self, event: Json, observation: Observation) -> None:
        """Give a call its answer, by its action or else by its tool call."""
        key = string(event.get("action_id")) or self._actions.get(string(event.get("tool_call_id")), "")
        step = Step(Origin.TOOL, time=moment(event.get("timestamp")))
        self._conversation.answer(key, observation, step=step)

    def _acp(self, event: Json) -> None:
        """Read a call that another agent made for this one: it is told when it begins, and again when it ends."""
        key = f"acp {string(event.get('tool_call_id'))}"
        if key not in self._actions:
            self._goes_on()
            self._actions[key] = key
            call = Call(string(event.get("tool_kind")) or string(event.get("title")), unpacked(event.get("raw_input")))
            time = moment(event.get("timestamp"))
            self._conversation.add(Step(Origin.AGENT, calls=(call,), time=time), [key])
        if string(event.get("status")) in {"completed", "failed"} and self._actions[key]:
            self._actions[key] = ""
            output = event.get("raw_output")
            said = text(event.get("content") if output is None else output)
            failed = event.get("is_error") is True or event.get("status") == "failed"
            self._conversation.answer(key, Observation(said, is_error=failed))

    def _condensation(self, event: Json) -> None:
        self._add(event, Origin.SYSTEM, string(event.get("summary")))

    def _update(self, event: Json) -> None:
        """Keep what is told of the run's state: one field of it, or all."""
        key, value = string(event.get("key")), event.get("value")
        self._told |= mapping(value) if key == "full_state" else {key: value}

    def _conversation_error(self, event: Json) -> None:
        self._error = ": ".join(filter(None, (string(event.get("code")), string(event.get("detail")))))

    def _limit(self, event: Json) -> None:
        self._error = string(event.get("detail")) or "maximum iterations reached"


def _bad_status(state: Json) -> str:
    status = string(state.get("execution_status")) or string(state.get("agent_status"))
    return f"execution status: {status}" if status in {"error", "stuck"} else ""


def _metrics(stats: Any) -> list[Json]:
    """Give what each use of a model cost, as it was summed up last."""
    told = mapping(stats)
    uses = mapping(told.get("usage_to_metrics")) or mapping(told.get("service_to_metrics"))
    return mappings(list(uses.values()))


def _thought(event: Json) -> str:
    summary = mapping(event.get("responses_reasoning_item")).get("summary")
    return thought_of(event) or text(summary)


def _parted(said: str, thought: str) -> tuple[str, str]:
    """Take what the model thought out of what it said, where its server left it in."""
    if "<think>" not in said:
        return said, thought
    inner = [match[1] for match in _THINK.finditer(said)]
    return _THINK.sub("", said), thought or "\n".join(inner)


def _called(event: Json) -> Call:
    """Read a call as the model made it; else as the SDK understood it."""
    made, action = mapping(event.get("tool_call")), mapping(event.get("action"))
    inner = mapping(made.get("function")) or made
    name = string(event.get("tool_name")) or string(inner.get("name"))
    if inner.get("arguments") is not None:
        return Call(name, unpacked(inner["arguments"]))
    return Call(name, {key: value for key, value in action.items() if key != "kind"})


def _observed(told: Json) -> str:
    """Give an observation's text, in the place of its version."""
    for key in ("content", "output", "text", "message", "error"):
        if isinstance(told.get(key), str | list) and told[key]:
            return text(told[key])
    return ""


def _exit_code(told: Json) -> int | None:
    """Give the exit code; -1 stands for a command that has not ended."""
    for place in (told, mapping(told.get("metadata"))):
        if (found := number(place.get("exit_code"))) is not None:
            return None if found == -1 else int(found)
    return None
