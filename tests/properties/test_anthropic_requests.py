import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.domain.call import Chat
from gateway.domain.clock import Clock
from gateway.domain.errors import BodyMalformed
from gateway.providers.anthropic.row import NATIVE
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from testkit.twins.anthropic import MODELS
from testkit.twins.anthropic_rules import refuse

TEXT = st.sampled_from(["", " ", "\n", "Hello.", "...", "Größe 42 🙂"])
PART = (
    st.builds(lambda text: {"type": "text", "text": text}, TEXT)
    | st.builds(
        lambda url: {"type": "image_url", "image_url": {"url": url}},
        st.sampled_from(["https://example.test/a.png", "http://example.test/a.png", "data:image/png;base64,iVBORw0="]),
    )
    | st.just({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}})
)
CONTENT = st.none() | TEXT | st.lists(PART, max_size=3)
CALL_ID = st.none() | st.sampled_from(["call_1", "call_2", "call.3", "functions.x:0", "", "call_1_"])
ARGUMENTS = st.sampled_from(["", "{}", '{"a": 1}', "[1]", "no JSON", "null"])
CALL = st.builds(
    lambda call_id, name, arguments: {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    },
    CALL_ID,
    st.sampled_from(["look_up", "end_call", "odd name", "", None]),
    ARGUMENTS,
)
SYSTEM_ROLE = st.sampled_from(["system", "developer"])
MESSAGE = (
    st.builds(
        lambda role, content: {"role": role, "content": content}, st.sampled_from(["system", "developer"]), CONTENT
    )
    | st.builds(lambda content: {"role": "user", "content": content, "name": "mira"}, CONTENT)
    | st.builds(
        lambda content, calls: {"role": "assistant", "content": content} | ({"tool_calls": calls} if calls else {}),
        CONTENT,
        st.lists(CALL, max_size=3),
    )
    | st.builds(lambda i, content: {"role": "tool", "tool_call_id": i, "content": content}, CALL_ID, CONTENT)
)
HISTORY = st.lists(MESSAGE, max_size=12)
PARAMETERS: st.SearchStrategy[Any] = st.sampled_from([None, {}, {"type": "object"}, {"anyOf": []}, {"type": "string"}])
TOOL = st.builds(
    lambda name, parameters: {"type": "function", "function": {"name": name, "parameters": parameters, "strict": True}},
    st.sampled_from(["look_up", "end_call", "transfer"]),
    PARAMETERS,
)
CHOICE = st.sampled_from(["auto", "none", "required", {"type": "function", "function": {"name": "look_up"}}, "odd"])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.sampled_from([-1, None, 0, 100]),
        "max_completion_tokens": st.sampled_from([-1, 50]),
        "temperature": st.sampled_from([None, 0, 0.7, 2, -1]),
        "top_p": st.sampled_from([None, 0.5, 1]),
        "stop": st.sampled_from([None, "END", ["END", "\n"], " ", []]),
        "tools": st.lists(TOOL, max_size=3),
        "tool_choice": CHOICE,
        "parallel_tool_calls": st.booleans(),
        "user_id": st.sampled_from(["mira@example.test", "+493012345", ""]),
        "reasoning_effort": st.sampled_from(["none", "low", "xhigh", "odd"]),
        "elevenlabs_extra_body": st.just({"a": 1}),
        "response_format": st.just({"type": "json_object"}),
        "stream_options": st.just({"include_usage": True}),
        "house_field": st.just(1),
    },
)


def _sent(model: str, history: list[dict[str, Any]], fields: dict[str, Any]) -> dict[str, Any]:
    chat = Chat(model, tuple(history), True, False, fields)
    body, _notes = NATIVE.encode(chat, model, SignatureMemory(Clock()))
    sent: dict[str, Any] = json.loads(body)
    return sent


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(MODELS), HISTORY, FIELDS)
def test_the_messages_api_accepts_every_translated_request(
    model: str, history: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    tools = {tool["function"]["name"] for tool in fields.get("tools", ())}
    if isinstance(fields.get("tool_choice"), dict) and "look_up" not in tools:
        del fields["tool_choice"]  # a tool that is not defined cannot be chosen
    try:
        sent = _sent(model, history, fields)
    except BodyMalformed:
        assume(False)  # a part of the last user turn that cannot be sent
        raise
    assert refuse(sent) is None
    assert sent["model"] == model


def _may_follow(message: dict[str, Any]) -> bool:
    """A late result changes the turns after its call; some parts are refused in the newest turn."""
    parts = message["content"] if isinstance(message["content"], list) else []
    return message["role"] != "tool" and all(part["type"] == "text" for part in parts)


@settings(max_examples=150, deadline=None)
@given(HISTORY, st.lists(MESSAGE.filter(_may_follow), min_size=1, max_size=4))
def test_the_cached_prefix_of_a_turn_begins_the_next_request(
    history: list[dict[str, Any]], later: list[dict[str, Any]]
) -> None:
    settled = [*history, {"role": "user", "content": "And?"}, {"role": "assistant", "content": "Well."}]
    first = _sent(MODELS[0], [*settled, {"role": "user", "content": "Go on."}], {})
    second = _sent(MODELS[0], [*settled, {"role": "user", "content": "Go on."}, *later], {})
    kept = _unmarked(first["messages"])[:-1]
    assert "cache_control" in first["messages"][-2]["content"][-1]
    assert _unmarked(second["messages"])[: len(kept)] == kept
    assert second.get("system") == first.get("system")


def _unmarked(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        turn | {"content": [{k: v for k, v in block.items() if k != "cache_control"} for block in turn["content"]]}
        for turn in turns
    ]
