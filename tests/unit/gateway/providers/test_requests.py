"""The requests that each provider gets for the same agent's call."""

import json
from typing import Any

import pytest

from gateway.api.body import read_chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.provider import Provider

CALL = {"id": "call_PTLP8xhu3uwZk4l3", "type": "function", "function": {"name": "book", "arguments": '{"at": 9}'}}
ROUND_TRIP = [
    {"role": "user", "content": "Book it."},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": CALL["id"], "content": "booked"},
]
FUNCTIONS = [
    {"name": name, "description": "d", "parameters": {"type": "object", "properties": {}}}
    for name in ("book", "end_call", "notify_condition_3_met", "an_unknown_tool")
]
TOOLS = [{"type": "function", "function": function} for function in FUNCTIONS]
AGENT = {
    "model": "m",
    "messages": [{"role": "system", "content": "You are Ada."}, *ROUND_TRIP],
    "stream": True,
    "max_tokens": -1,
    "temperature": 0.3,
    "tools": TOOLS,
    "user_id": "u-1",
    "elevenlabs_extra_body": {"plan": "gold"},
    "parallel_tool_calls": True,
    "reasoning_effort": None,
    "frequency_penalty": 0.5,
    "logit_bias": {"1": 2},
    "logprobs": True,
    "an_unknown_field": 1,
}
CHAT_ROWS = tuple(row for row in table.PROVIDERS if row.dialect != "anthropic")
STRICT_ROWS = tuple(row for row in CHAT_ROWS if row.accepts is not None)


def _row(key: str) -> Provider:
    return table.by_dialect(key)


def _sent(key: str, body: dict[str, Any] | None = None, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    chat = read_chat(json.dumps((AGENT if body is None else body) | fields).encode())
    encoded, notes = _row(key).encode(chat, chat.model, SignatureMemory(Clock()))
    return json.loads(encoded), notes


def _request(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages), **fields}


@pytest.mark.parametrize("row", STRICT_ROWS, ids=lambda row: row.dialect)
def test_only_accepted_fields_are_sent(row: Provider) -> None:
    sent, notes = _sent(row.dialect)
    assert row.accepts is not None
    assert sent.keys() <= row.accepts
    assert "left out an_unknown_field" in notes
    assert None not in sent.values()


@pytest.mark.parametrize("row", CHAT_ROWS, ids=lambda row: row.dialect)
def test_every_field_left_out_is_noted(row: Provider) -> None:
    sent, notes = _sent(row.dialect)
    for name in AGENT.keys() - sent.keys():
        assert any(name in note for note in notes), name


@pytest.mark.parametrize("row", CHAT_ROWS, ids=lambda row: row.dialect)
def test_no_provider_gets_fields_for_the_gateway_or_a_limit_of_minus_one(row: Provider) -> None:
    sent, _ = _sent(row.dialect)
    assert not {"user_id", "elevenlabs_extra_body", "max_tokens", "max_completion_tokens"} & sent.keys()


@pytest.mark.parametrize("row", CHAT_ROWS, ids=lambda row: row.dialect)
def test_every_tool_is_sent(row: Provider) -> None:
    assert _sent(row.dialect)[0]["tools"] == TOOLS


@pytest.mark.parametrize("row", CHAT_ROWS, ids=lambda row: row.dialect)
def test_a_tool_round_trip_is_sent_whole(row: Provider) -> None:
    _, user, calling, result = _sent(row.dialect)[0]["messages"]
    (call,) = calling["tool_calls"]
    assert user == ROUND_TRIP[0]
    assert (call["type"], call["function"]) == ("function", CALL["function"])
    assert not calling["content"]
    assert (result["role"], result["content"], result["tool_call_id"]) == ("tool", "booked", call["id"])


# OpenAI and Azure


@pytest.mark.parametrize("key", ["openai", "azure"])
@pytest.mark.parametrize("model", ["gpt-5", "gpt-5-mini-2025-08-07", "gpt-5.1", "o3", "o4-mini", "ft:o4-mini:acme"])
def test_reasoning_models_get_their_own_limit_and_no_sampling(key: str, model: str) -> None:
    body = _request(model=model, max_tokens=200, temperature=0.3, top_p=0.9, presence_penalty=1, stop=["x"], logprobs=1)
    sent, notes = _sent(key, body)
    assert sent == _request(model=model, max_completion_tokens=200)
    assert "sent max_tokens as max_completion_tokens" in notes
    assert {"left out temperature", "left out top_p", "left out stop"} <= set(notes)


@pytest.mark.parametrize("model", ["gpt-5", "o3"])
def test_default_sampling_values_are_sent(model: str) -> None:
    body = _request(model=model, temperature=1.0, top_p=1, presence_penalty=0, frequency_penalty=0)
    assert _sent("openai", body) == (body, ())


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "gpt-35-turbo", "gpt-5-chat-latest", "chatgpt-4o-latest"])
def test_other_models_get_the_fields_unchanged(model: str) -> None:
    body = _request(model=model, max_tokens=200, temperature=0.3, stop=["x"])
    assert _sent("openai", body) == (body, ())


@pytest.mark.parametrize(
    ("model", "has_tools", "effort", "sent_effort"),
    [
        ("gpt-5.6", True, None, "none"),
        ("gpt-5.6-luna", True, "low", "none"),
        ("gpt-5.4", True, "medium", "none"),
        ("gpt-5.4", False, "medium", "medium"),
        ("gpt-5.2", True, "low", "low"),
        ("gpt-5.1", False, "minimal", "low"),
        ("gpt-5", False, "none", "minimal"),
        ("gpt-5", True, None, None),
        ("gpt-5.4-pro", True, "high", "high"),
        ("o3", True, "low", "low"),
        ("gpt-4o", True, None, None),
    ],
)
def test_reasoning_effort_is_what_the_model_takes(
    model: str, has_tools: bool, effort: str | None, sent_effort: str | None
) -> None:
    fields = {"tools": TOOLS} if has_tools else {}
    sent, notes = _sent("openai", _request(model=model, reasoning_effort=effort, **fields))
    assert sent.get("reasoning_effort") == sent_effort
    assert (f"set reasoning_effort to {sent_effort}" in notes) is (effort != sent_effort)


def test_the_o_series_gets_no_parallel_tool_calls_field() -> None:
    body = _request(model="o4-mini", tools=TOOLS, parallel_tool_calls=False)
    assert "parallel_tool_calls" not in _sent("openai", body)[0]


# Google


@pytest.mark.parametrize(
    "name",
    [
        "store",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "reasoning",
        "user",
        "seed",
        "parallel_tool_calls",
    ],
)
def test_gemini_gets_no_unknown_field(name: str) -> None:
    sent, notes = _sent("google", _request(tools=TOOLS, **{name: 1}))
    assert name not in sent
    assert f"left out {name}" in notes


def test_gemini_gets_a_user_turn_first_and_last() -> None:
    greeting = {"role": "assistant", "content": "Hello."}
    roles = [message["role"] for message in _sent("google", _request(greeting))[0]["messages"]]
    assert roles == ["user", "assistant", "user"]


# Groq


def test_groq_gets_no_names_no_logprobs_and_one_choice() -> None:
    named = {"role": "user", "content": "Hi.", "name": "anna"}
    body = _request(named, n=2, logprobs=True, top_logprobs=2, logit_bias={"1": 2}, seed=3)
    sent, notes = _sent("groq", body)
    assert sent == _request({"role": "user", "content": "Hi."}, seed=3)
    assert {"left out messages[].name", "left out n", "left out logprobs"} <= set(notes)


# Cloudflare


def test_cloudflare_gets_plain_text_in_every_message() -> None:
    parts = [{"type": "text", "text": "Book"}, {"type": "text", "text": "it."}]
    body = _request({"role": "user", "content": parts}, *ROUND_TRIP[1:], max_completion_tokens=9)
    sent, notes = _sent("cloudflare", body)
    assert [message["content"] for message in sent["messages"]] == ["Book\nit.", "", "booked"]
    assert sent["max_tokens"] == 9
    assert "made contents plain text" in notes


# Mistral


def test_mistral_gets_nine_characters_for_an_id_on_both_sides() -> None:
    _, _, calling, result = _sent("mistral")[0]["messages"]
    short = calling["tool_calls"][0]["id"]
    assert len(short) == 9
    assert short.isalnum()
    assert result["tool_call_id"] == short
    assert _sent("mistral")[0]["messages"][2] == calling


def test_mistrals_own_ids_are_kept() -> None:
    calling = {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": "D681PevKs"}]}
    own = [calling, {"role": "tool", "tool_call_id": "D681PevKs", "content": "x"}]
    sent, notes = _sent("mistral", _request(*own))
    assert (sent["messages"], notes) == (own, ())


def test_mistral_gets_only_its_fields_in_messages_and_tools() -> None:
    tool = {"type": "function", "strict": True, "function": {**FUNCTIONS[0], "response": {}}}
    message: dict[str, Any] = {"role": "user", "content": "Hi.", "name": "anna", "tool_calls": None, "metadata": {}}
    sent, notes = _sent("mistral", _request(message, tools=[tool], seed=4, temperature=2))
    assert sent == _request({"role": "user", "content": "Hi."}, tools=TOOLS[:1], random_seed=4, temperature=1.5)
    assert {"left out fields of tools", "left out messages[].name", "sent seed as random_seed"} <= set(notes)


def test_mistral_gets_roles_in_its_order() -> None:
    update = {"role": "system", "content": "The caller has moved."}
    body = _request(*ROUND_TRIP, update, {"role": "assistant", "content": "Noted."}, update, {"role": "assistant"})
    roles = [message["role"] for message in _sent("mistral", body)[0]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant", "user"]
    assert all(message["content"] or message.get("tool_calls") for message in _sent("mistral", body)[0]["messages"])


# xAI, Cerebras, Together, DeepSeek, OpenRouter


@pytest.mark.parametrize(
    ("model", "left_out"),
    [
        ("grok-4", {"stop", "presence_penalty", "reasoning_effort"}),
        ("grok-4-1-fast-non-reasoning", {"reasoning_effort"}),
        ("grok-4.20-reasoning", {"stop", "presence_penalty", "reasoning_effort"}),
        ("grok-4.3", {"stop", "presence_penalty"}),
        ("grok-3-mini", {"stop", "presence_penalty"}),
        ("grok-3", {"reasoning_effort"}),
    ],
)
def test_grok_gets_what_its_model_takes(model: str, left_out: set[str]) -> None:
    body = _request(model=model, stop=["x"], presence_penalty=1, reasoning_effort="low")
    assert body.keys() - _sent("xai", body)[0].keys() == left_out


def test_cerebras_gets_its_own_limit_and_temperature() -> None:
    body = _request(max_tokens=9, temperature=2, frequency_penalty=1, tools=TOOLS, parallel_tool_calls=True)
    assert _sent("cerebras", body)[0] == _request(
        max_completion_tokens=9, temperature=1.5, tools=TOOLS, frequency_penalty=1, parallel_tool_calls=True
    )


@pytest.mark.parametrize("key", ["together", "deepseek", "cloudflare", "mistral"])
def test_a_limit_is_sent_under_the_accepted_name(key: str) -> None:
    assert _sent(key, _request(max_completion_tokens=9))[0] == _request(max_tokens=9)


@pytest.mark.parametrize("key", ["openrouter", "bedrock", "generic"])
def test_a_newer_claude_at_another_provider_gets_a_user_turn_last(key: str) -> None:
    greeting = {"role": "assistant", "content": "Still there?"}
    sent, notes = _sent(key, _request({"role": "user", "content": "Hi."}, greeting, model="anthropic/claude-opus-4.6"))
    assert sent["messages"][-1]["role"] == "user"
    assert notes == ("appended a short user turn",)
