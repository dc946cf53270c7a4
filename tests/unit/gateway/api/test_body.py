import json
from typing import Any

import pytest

from gateway.api.body import read_chat
from gateway.domain.errors import BodyMalformed

USER = {"role": "user", "content": "Hello?"}

ELEVENLABS = {
    "model": "gemini-2.5-flash",
    "messages": [
        {"role": "system", "content": "You are Ada, of the front desk."},
        USER,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "skip_turn", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        {"role": "system", "content": "contextual update: the caller has moved"},
        {"role": "user", "content": [{"type": "text", "text": "..."}]},
        {"role": "assistant", "content": "Are you still there?"},
    ],
    "max_tokens": -1,
    "stream": True,
    "stream_options": {"include_usage": True},
    "user_id": "u-1",
    "elevenlabs_extra_body": {"plan": "gold"},
    "tools": [
        {"type": "function", "function": {"name": name, "parameters": {}}}
        for name in ("end_call", "transfer_to_number", "notify_condition_3_met", "überweisen", "a" * 300)
    ],
}


def test_an_agents_whole_request_is_accepted() -> None:
    chat = read_chat(_body(ELEVENLABS))
    assert chat.model == "gemini-2.5-flash"
    assert list(chat.messages) == ELEVENLABS["messages"]
    assert (chat.streamed, chat.wants_usage) == (True, True)
    assert chat.others == {k: v for k, v in ELEVENLABS.items() if k not in {"model", "messages", "stream"}}


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m", "messages": [USER]},
        {"model": "m", "messages": []},
        {"model": "m", "messages": [{}]},
        {"model": "m", "messages": [USER], "stream": False},
        {"model": "m", "messages": [USER], "stream": None, "stream_options": None},
        {"model": "m", "messages": [USER], "max_tokens": None, "temperature": 0},
        {"model": "m", "messages": [{"role": "assistant", "content": None}]},
    ],
)
def test_a_minimal_body_is_a_call_that_is_not_streamed(body: dict[str, Any]) -> None:
    chat = read_chat(_body(body))
    assert (chat.model, chat.streamed, chat.wants_usage) == ("m", False, False)
    assert list(chat.messages) == body["messages"]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [({"include_usage": True}, True), ({"include_usage": False}, False), ({}, False), (None, False)],
)
def test_usage_is_wanted_only_with_include_usage(options: object, wanted: bool) -> None:
    assert read_chat(_body(_chat(stream=True, stream_options=options))).wants_usage is wanted


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": [USER]}, "model"),
        ({"model": None, "messages": [USER]}, "model"),
        ({"model": "", "messages": [USER]}, "model"),
        ({"model": "m" * 513, "messages": [USER]}, "model"),
        ({"model": 4, "messages": [USER]}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": None}, "messages"),
        ({"model": "m", "messages": USER}, "messages"),
        ({"model": "m", "messages": "Hello?"}, "messages"),
        ({"model": "m", "messages": [USER, "Hello?"]}, "messages.1"),
        ({"model": "m", "messages": [USER, {"role": ["user"]}]}, "messages.1.role"),
        ({"model": "m", "messages": [USER], "stream": "true"}, "stream"),
        ({"model": "m", "messages": [USER], "stream_options": True}, "stream_options"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(body: dict[str, Any], field: str) -> None:
    with pytest.raises(BodyMalformed) as refused:
        read_chat(_body(body))
    assert refused.value.param == field
    assert f"`{field}`" in refused.value.message


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"Infinity"])
def test_a_number_that_is_not_finite_is_named(number: bytes) -> None:
    with pytest.raises(BodyMalformed, match="`max_tokens` is wrong: it must be a finite number"):
        read_chat(b'{"model": "m", "messages": [], "max_tokens": ' + number + b"}")


def test_a_missing_field_is_called_missing() -> None:
    with pytest.raises(BodyMalformed, match=r"^`model` is missing\.$"):
        read_chat(_body({"messages": [USER]}))


@pytest.mark.parametrize("body", [b"", b"{", b"model=gpt-4o", b'{"model": "m",}', b'{"model": "\xff"}'])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(BodyMalformed, match=r"^The body is not JSON: ") as refused:
        read_chat(body)
    assert refused.value.param is None


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1"])
def test_json_that_is_not_an_object_is_refused(body: bytes) -> None:
    with pytest.raises(BodyMalformed, match=r"^The body must be a JSON object\.$"):
        read_chat(body)


@pytest.mark.parametrize(
    "body",
    [b'{"model": "sb-canary" "messages"', b'{"model": "m", "messages": "sb-canary"}', b'{"model": ["sb-canary"]}'],
)
def test_a_refusal_does_not_repeat_the_body(body: bytes) -> None:
    with pytest.raises(BodyMalformed) as refused:
        read_chat(body)
    assert "canary" not in refused.value.message


def test_a_prompt_of_two_megabytes_is_read() -> None:
    prompt = "The manual says: ümlaut. " * 80_000
    chat = read_chat(_body({"model": "m", "messages": [{"role": "system", "content": prompt}]}))
    assert chat.messages[0]["content"] == prompt


def _chat(**fields: object) -> dict[str, object]:
    return {"model": "m", "messages": [USER], **fields}


def _body(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def test_half_of_a_surrogate_pair_in_a_body_becomes_the_replacement_character() -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi \\ud83c"}], "metadata": {"\\udc00": 1}}'
    chat = read_chat(body)
    assert chat.messages[0]["content"] == "Hi \N{REPLACEMENT CHARACTER}"
    assert chat.others["metadata"] == {"\N{REPLACEMENT CHARACTER}": 1}
    with pytest.raises(BodyMalformed, match="`model` is missing"):
        read_chat(b'{"messages": [{"role": "user", "content": "\\ud83c"}]}')
