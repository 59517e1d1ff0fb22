"""The events of OpenHands before its SDK: actions, and the observations that answer them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gitskill.formats.conversation import Conversation, thought_of
from gitskill.formats.inner.openhands_rows import History, metrics_usage
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import count, items, mapping, mappings, moment, number, string, text, unpacked
from gitskill.trace import UNKNOWN, Call, Observation, Origin, Step, Usage

Json = dict[str, Any]

_ABOUT = {"id", "timestamp", "source", "message", "action", "args", "cause", "tool_call_metadata", "llm_metrics"}
_NOISE = {"thought", "is_confirmed", "confirmation_state", "action_risk", "security_risk", "keep_prompt", "hidden"}
_NOISE |= {"blocking", "is_static", "is_input", "cwd", "kernel_init_code", "include_extra", "impl_source", "timeout"}
"""What OpenHands adds to the arguments of an action."""
_UNSAID = {"recall", "null", "change_agent_state", "pause", "resume", "stop", "start", "condensation_request"}
"""Actions of OpenHands itself."""
_NOTHING = {"null", "condense"}
_CONTEXT = {"recall", "microagent", "workspace_context"}
_SOURCES = {"user": Origin.USER, "environment": Origin.SYSTEM}


def is_event(value: Any) -> bool:
    """Tell an action or an observation from other records that have such keys."""
    event = mapping(value)
    if isinstance(event.get("action"), str):
        return isinstance(event.get("args"), dict)
    return isinstance(event.get("observation"), str) and isinstance(event.get("extras"), dict)


def history_of(events: Iterable[Any]) -> History:
    """Read the events of one run, or its pairs of an action and an observation."""
    run = _Run()
    for item in events:
        pair = item if isinstance(item, list) else [item]
        for at, event in enumerate(pair):
            run.take(mapping(event), is_paired=at > 0)
    return run.history()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the model answered: the text, and the calls of which each became an action."""

    key: str
    message: Json
    usage: Usage
    model: str

    @classmethod
    def of(cls, event: Json) -> "_Answer":
        response = mapping(mapping(event.get("tool_call_metadata")).get("model_response"))
        choice = next(iter(mappings(response.get("choices"))), {})
        used = mapping(response.get("usage"))
        cached = count(mapping(used.get("prompt_tokens_details")).get("cached_tokens"))
        return cls(
            key=string(response.get("id")),
            message=mapping(choice.get("message")),
            usage=Usage(
                input=count(used.get("prompt_tokens")),
                output=count(used.get("completion_tokens")),
                cached=count(used.get("cache_read_input_tokens")) if cached is None else cached,
            ),
            model=string(response.get("model")),
        )


class _Run:
    """One run while its events are read."""

    def __init__(self) -> None:
        self._conversation = Conversation()
        self._waiting = ""
        """The newest call, for answers that do not say to which call they belong."""
        self._made = 0
        self._answers: set[str] = set()
        self._delegates: list[str] = []
        self._previous = ""
        """What the newest event without a source was."""
        self._metrics: Any = None
        self._version = ""
        self._model = ""
        self._result = ""
        self._error = ""

    @property
    def _agent(self) -> str:
        return self._delegates[-1] if self._delegates else ""

    def take(self, event: Json, *, is_paired: bool) -> None:
        """Read the next event; `is_paired` says that it answers the one before."""
        self._metrics = event.get("llm_metrics") or self._metrics
        if isinstance(event.get("action"), str):
            self._act(event, event["action"])
        elif isinstance(event.get("observation"), str):
            self._observe(event, event["observation"], is_paired=is_paired)

    def history(self) -> History:
        """Give what the events told."""
        steps = self._conversation.steps
        used = metrics_usage(self._metrics)
        said = (step.text for step in reversed(steps) if step.origin is Origin.AGENT and not step.agent and step.text)
        return History(
            steps=steps,
            agent=f"openhands {self._version}".strip(),
            model=self._model,
            result=self._result or next(said, ""),
            usage=used if used != UNKNOWN else summed(step.usage for step in steps),
            error=self._error,
        )

    def _act(self, event: Json, action: str) -> None:
        args = mapping(event.get("args")) or {key: value for key, value in event.items() if key not in _ABOUT}
        origin = self._origin(event, action, args)
        if action in _UNSAID:
            return
        if action == "system":
            self._version = self._version or string(args.get("openhands_version"))
            self._tell(event, Origin.SYSTEM, text(args.get("content")))
        elif action == "condensation":
            self._tell(event, Origin.SYSTEM, string(args.get("summary")))
        elif origin is Origin.AGENT:
            self._error = ""
            self._agents(event, action, args)
        else:
            self._tell(event, origin, text(args.get("content") or args.get("command") or args.get("code")))

    def _tell(self, event: Json, origin: Origin, said: str) -> None:
        self._conversation.add(Step(origin, said, time=moment(event.get("timestamp")), agent=self._agent))

    def _origin(self, event: Json, action: str, args: Json) -> Origin:
        """Tell who acted. Where no event says so, the user spoke first, and answers what the agent says."""
        if source := string(event.get("source")):
            return _SOURCES.get(source, Origin.AGENT)
        is_asking = args.get("wait_for_response") is True
        of_user = action == "message" and (not self._previous or (self._previous == "said" and not is_asking))
        self._previous = "asked" if of_user else "said" if action == "message" else "acted"
        return Origin.USER if of_user else Origin.AGENT

    def _agents(self, event: Json, action: str, args: Json) -> None:
        """Read what the agent said or did. An answer of the model is told again with each of its calls."""
        answer = _Answer.of(event)
        is_new = answer.key not in self._answers
        self._answers |= {answer.key} if answer.key else set()
        self._model = self._model or answer.model
        said, thought = _words(action, args, answer.message if is_new else {})
        usage = answer.usage if is_new else UNKNOWN
        step = Step(Origin.AGENT, said, thought, usage=usage, time=moment(event.get("timestamp")), agent=self._agent)
        self._result = ""
        if action == "message":
            self._conversation.add(step)
            return
        call = _called(event, action, args, answer.message)
        self._made += 1
        self._waiting = string(event.get("id")) or f"#{self._made}"
        if is_new:
            self._conversation.add(replace(step, calls=(call,)), [self._waiting])
        else:
            self._conversation.call(self._waiting, call, step=step)
        if action in {"finish", "reject"} and not self._delegates:
            told = (args.get("final_thought"), mapping(call.arguments).get("message"), said)
            self._result = next(filter(None, map(string, told)), "")
        elif action == "delegate":
            self._delegates.append(string(args.get("agent")) or "delegate")

    def _observe(self, event: Json, kind: str, *, is_paired: bool) -> None:
        extras = mapping(event.get("extras")) or event
        content = text(event.get("content"))
        if kind == "agent_state_changed":
            failed = extras.get("agent_state") == "error"
            self._error = (string(extras.get("reason")) or self._error or "agent state: error") if failed else ""
        elif kind in _CONTEXT:
            self._tell(event, Origin.SYSTEM, content if kind == "microagent" else _recalled(extras))
        elif kind not in _NOTHING:
            if kind == "error" and string(extras.get("error_id")).startswith("STATUS$"):
                self._error = f"{extras['error_id']}: {content}"
            self._answer(event, kind, Observation(content, _exit_code(event, extras), _failed(kind, extras)), is_paired)

    def _answer(self, event: Json, kind: str, observation: Observation, is_paired: bool) -> None:
        if kind == "delegate" and self._delegates:
            self._delegates.pop()
        key = string(event.get("cause"))
        if not key and (is_paired or "id" not in event):
            key, self._waiting = self._waiting, ""
        step = Step(Origin.TOOL, time=moment(event.get("timestamp")), agent=self._agent)
        self._conversation.answer(key, observation, step=step)


def _words(action: str, args: Json, message: Json) -> tuple[str, str]:
    """Give what the agent said with an action and what it thought; a thought that is the call itself is not said."""
    told = args.get("content") if action == "message" else args.get("thought")
    inner = mapping(told)
    said = text(inner.get("text")) if inner else text(told)
    if action == "think":
        said = ""
    thought = string(inner.get("reasoning_content")) or thought_of(message)
    return said or text(message.get("content")), thought


def _called(event: Json, action: str, args: Json, message: Json) -> Call:
    """Read a call as the model made it; else as OpenHands understood it."""
    told = mapping(event.get("tool_call_metadata"))
    name = string(told.get("function_name"))
    for made in mappings(message.get("tool_calls")):
        function = mapping(made.get("function"))
        if made.get("id") == told.get("tool_call_id") and "arguments" in function:
            return Call(name or string(function.get("name")) or action, unpacked(function["arguments"]))
    if action == "call_tool_mcp" and isinstance(args.get("name"), str):
        return Call(name or args["name"], unpacked(args.get("arguments")))
    kept = {key: value for key, value in args.items() if key not in _NOISE and value is not None}
    return Call(name or action, {**kept, "thought": args.get("thought")} if action == "think" else kept)


def _recalled(extras: Json) -> str:
    """Give what OpenHands told the agent about the repository, and the knowledge that a word triggered."""
    known = [string(one.get("content")) for one in mappings(items(extras.get("microagent_knowledge")))]
    told = (string(extras.get("repo_instructions")), string(extras.get("additional_agent_instructions")), *known)
    return "\n\n".join(filter(None, told))


def _exit_code(event: Json, extras: Json) -> int | None:
    """Give the exit code; -1 stands for a command that has not ended."""
    for place in (mapping(extras.get("metadata")), extras, event):
        if (found := number(place.get("exit_code"))) is not None:
            return None if found == -1 else int(found)
    return None


def _failed(kind: str, extras: Json) -> bool:
    return kind in {"error", "user_rejected"} or extras.get("error") is True
