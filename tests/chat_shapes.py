"""One run of two calls of a model, as each framework logs it: a question, one use of a tool, an answer."""

import json
from typing import Any

QUESTION = "What is the weather in Oslo?"
ARGUMENTS = {"city": "Oslo"}
ANSWER = "Rain, 7 degrees"
WORDS = "It rains in Oslo."

Shape = tuple[Any, Any, Any, Any]
"""What the model was sent and made, twice."""


def _openai() -> Shape:
    user = {"role": "user", "content": QUESTION}
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    tool = {"role": "tool", "tool_call_id": "call_1", "content": ANSWER}
    last = {"role": "assistant", "content": WORDS}
    return [user], {"choices": [{"message": asked}]}, {"messages": [user, asked, tool], "tools": [{}]}, last


def _responses() -> Shape:
    user = {"role": "user", "content": QUESTION}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather"}
    call["arguments"] = json.dumps(ARGUMENTS)
    tool = {"type": "function_call_output", "call_id": "call_1", "output": ANSWER}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    last = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": WORDS}]}
    return [user], {"output": [thought, call]}, [user, thought, call, tool], {"output": [last]}


def _anthropic() -> Shape:
    user = {"role": "user", "content": [{"type": "text", "text": QUESTION}]}
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": ARGUMENTS}
    asked = {"role": "assistant", "content": [call]}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": ANSWER}]}
    last = {"role": "assistant", "content": [{"type": "text", "text": WORDS}], "stop_reason": "end_turn"}
    return {"messages": [user]}, asked, {"messages": [user, asked, {"role": "user", "content": [result]}]}, last


def _gemini() -> Shape:
    user = {"role": "user", "parts": [{"text": QUESTION}]}
    asked = {"role": "model", "parts": [{"function_call": {"id": None, "name": "weather", "args": ARGUMENTS}}]}
    told = {"role": "user", "parts": [{"function_response": {"name": "weather", "response": ANSWER}}]}
    last = {"role": "model", "parts": [{"text": WORDS}]}
    first, second = {"config": {}, "contents": [user]}, {"config": {}, "contents": [user, asked, told]}
    return first, {"content": asked, "finish_reason": "STOP"}, second, {"candidates": [{"content": last}]}


def _langchain() -> Shape:
    user = {"type": "human", "content": QUESTION}
    asked = {"type": "ai", "content": "", "tool_calls": [{"name": "weather", "args": ARGUMENTS, "id": "call_1"}]}
    tool = {"type": "tool", "content": ANSWER, "tool_call_id": "call_1", "name": "weather", "status": "success"}
    last = {"type": "ai", "content": WORDS}
    packed = [{"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": QUESTION}}]
    return [packed], {"generations": [[{"text": "", "message": asked}]]}, [[user, asked, tool]], last


def _langchain_stored() -> Shape:
    user = {"type": "human", "data": {"content": QUESTION}}
    call = {"id": "call_1", "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)}}
    asked = {"role": "assistant", "content": "", "additional_kwargs": {"tool_calls": [call]}}
    tool = {"role": "tool", "content": ANSWER, "tool_call_id": "call_1"}
    definition = {"role": "tool", "content": {"type": "function", "function": {"name": "weather"}}}
    return [user, definition], asked, [user, asked, tool, definition], {"role": "assistant", "content": WORDS}


def _vercel() -> Shape:
    user = {"role": "user", "content": [{"type": "text", "text": QUESTION}]}
    call = {"toolCallId": "call_1", "toolName": "weather", "input": ARGUMENTS}
    asked = {"role": "assistant", "content": [{"type": "tool-call", **call}]}
    result = {"type": "tool-result", "toolCallId": "call_1", "toolName": "weather"}
    tool = {"role": "tool", "content": [{**result, "output": {"type": "text", "value": ANSWER}}]}
    return {"messages": [user]}, [call], [user, asked, tool], WORDS


def _pydantic() -> Shape:
    user = {"role": "user", "parts": [{"type": "text", "content": QUESTION}]}
    call = {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": ARGUMENTS}
    asked = {"role": "assistant", "parts": [call], "finish_reason": "tool_call"}
    told = {"type": "tool_call_response", "id": "call_1", "name": "weather", "result": ANSWER}
    last = {"role": "assistant", "parts": [{"type": "text", "content": WORDS}]}
    return [user], [asked], [user, asked, {"role": "user", "parts": [told]}], [last]


def _microsoft() -> Shape:
    user = {"role": "user", "parts": [{"type": "text", "content": QUESTION}]}
    call = {"type": "tool_call", "id": ["run_9", "call_1"], "name": "weather", "arguments": json.dumps(ARGUMENTS)}
    asked = {"role": "assistant", "parts": [call]}
    tool = {"role": "tool", "parts": [{"type": "tool_call_response", "id": ["run_9", "call_1"], "response": ANSWER}]}
    last = {"role": "assistant", "parts": [{"type": "text", "content": WORDS}]}
    return [user], [asked], [user, asked, tool], [last]


def _semantic_kernel() -> Shape:
    def event(message: Any) -> Any:
        return {"gen_ai.event.content": json.dumps(message), "gen_ai.system": "openai"}

    call = {"id": "call_1", "function": {"name": "weather", "arguments": ARGUMENTS}}
    user = event({"role": "user", "content": QUESTION})
    asked = {"role": "Assistant", "content": None, "tool_calls": [call]}
    tool = event({"role": "tool", "content": ANSWER, "tool_call_id": "call_1"})
    last = event({"index": 0, "message": {"role": "Assistant", "content": WORDS}, "finish_reason": "Stop"})
    return [user], event({"index": 0, "message": asked}), [user, event(asked), tool], last


def _autogen() -> Shape:
    user = {"type": "UserMessage", "source": "user", "content": QUESTION}
    call = {"id": "call_1", "name": "weather", "arguments": json.dumps(ARGUMENTS)}
    asked = {"type": "AssistantMessage", "source": "agent", "content": [call]}
    result = {"call_id": "call_1", "name": "weather", "content": ANSWER, "is_error": False}
    tool = {"type": "FunctionExecutionResultMessage", "content": [result]}
    return {"messages": [user]}, {"content": [call]}, {"messages": [user, asked, tool]}, {"content": WORDS}


def _llama_index() -> Shape:
    user = {"role": "user", "blocks": [{"block_type": "text", "text": QUESTION}]}
    call = {"id": "call_1", "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)}}
    asked = {"role": "MessageRole.ASSISTANT", "blocks": [], "additional_kwargs": {"tool_calls": [call]}}
    tool = {"role": "tool", "blocks": [{"block_type": "text", "text": ANSWER}], "tool_call_id": "call_1"}
    last = {"message": {"role": "assistant", "blocks": [{"block_type": "text", "text": WORDS}]}}
    return {"messages": [user]}, {"message": asked}, {"messages": [user, asked, tool]}, last


def _bedrock() -> Shape:
    user = {"role": "user", "content": [{"text": QUESTION}]}
    asked = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "weather", "input": ARGUMENTS}}]}
    result = {"toolResult": {"toolUseId": "t1", "content": [{"text": ANSWER}], "status": "success"}}
    last = {"output": {"message": {"role": "assistant", "content": [{"text": WORDS}]}}}
    return [user], asked, [user, asked, {"role": "user", "content": [result]}], last


SHAPES = {
    made.__name__.strip("_"): made()
    for made in (
        _openai,
        _responses,
        _anthropic,
        _gemini,
        _langchain,
        _langchain_stored,
        _vercel,
        _pydantic,
        _microsoft,
        _semantic_kernel,
        _autogen,
        _llama_index,
        _bedrock,
    )
}
