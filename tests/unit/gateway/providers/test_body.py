import json
from typing import Any

import pytest

from gateway.api.body import read_chat
from gateway.domain.call import Chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.provider import Provider

MISTRAL = table.by_name("mistral") or table.GENERIC
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Sprich Deutsch. 予約"},
    {"role": "user", "content": [{"type": "text", "text": "ja"}], "name": "anna"},
    {"role": "assistant", "content": None},
]


def _chat(**fields: object) -> Chat:
    return read_chat(json.dumps({"model": "m", "messages": MESSAGES, **fields}).encode())


def _sent(chat: Chat, provider: Provider = table.GENERIC, model: str = "m") -> tuple[dict[str, Any], tuple[str, ...]]:
    body, notes = provider.encode(chat, model, SignatureMemory(Clock()))
    return json.loads(body), notes


def test_the_model_is_the_targets_and_the_messages_are_the_callers() -> None:
    body, notes = _sent(_chat(temperature=0.2), model="llama-3.3-70b-versatile")
    assert body == {"model": "llama-3.3-70b-versatile", "messages": MESSAGES, "temperature": 0.2}
    assert notes == ()


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_usage": True}])
def test_a_stream_always_asks_for_usage(options: object) -> None:
    body, notes = _sent(_chat(stream=True, stream_options=options))
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert notes == ()


def test_the_callers_other_stream_options_stay() -> None:
    body, _ = _sent(_chat(stream=True, stream_options={"include_obfuscation": False}))
    assert body["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_where_stream_options_are_refused_none_are_sent() -> None:
    body, notes = _sent(_chat(stream=True, stream_options={"include_usage": True}), MISTRAL)
    assert (body["stream"], "stream_options" in body) == (True, False)
    assert "left out stream_options" in notes
    assert "left out stream_options" not in _sent(_chat(stream=True), MISTRAL)[1]


def test_a_call_that_is_not_streamed_sends_no_stream_options() -> None:
    body, notes = _sent(_chat(stream=False, stream_options={"include_usage": True}))
    assert body == {"model": "m", "messages": MESSAGES}
    assert notes == ("left out stream_options",)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("limit", [-1, 0, None, -1.0])
def test_a_limit_that_means_none_is_left_out_and_noted(name: str, limit: object) -> None:
    body, notes = _sent(_chat(**{name: limit}))
    assert name not in body
    assert notes == (f"left out {name}",)


@pytest.mark.parametrize("limit", [1, 4096])
def test_a_positive_limit_is_sent(limit: int) -> None:
    body, notes = _sent(_chat(max_tokens=limit, max_completion_tokens=limit))
    assert (body["max_tokens"], body["max_completion_tokens"], notes) == (limit, limit, ())


def test_fields_for_the_gateway_are_not_sent() -> None:
    body, notes = _sent(_chat(user_id="u", elevenlabs_extra_body={"a": 1}, user="u"))
    assert body == {"model": "m", "messages": MESSAGES, "user": "u"}
    assert set(notes) == {"left out user_id", "left out elevenlabs_extra_body"}


def test_encoding_does_not_change_the_call() -> None:
    chat = _chat(stream=True, max_tokens=-1, stream_options={"include_usage": False})
    before = json.dumps(dict(chat.others))
    assert _sent(chat) == _sent(chat)
    assert json.dumps(dict(chat.others)) == before


def test_user_id_is_sent_as_user() -> None:
    body, notes = _sent(_chat(user_id="u-1"))
    assert (body["user"], "user_id" in body, notes) == ("u-1", False, ("sent user_id as user",))


@pytest.mark.parametrize("user_id", [None, "", 7, {"id": 1}])
def test_a_user_id_that_is_not_a_name_is_left_out(user_id: object) -> None:
    body, notes = _sent(_chat(user_id=user_id))
    assert ("user" in body, "user_id" in body, notes) == (False, False, ("left out user_id",))


def test_no_user_is_sent_where_it_is_not_accepted() -> None:
    body, notes = _sent(_chat(user_id="u-1"), MISTRAL)
    assert not {"user", "user_id"} & body.keys()
    assert "left out user_id" in notes


@pytest.mark.parametrize("tools", [[], None])
def test_an_empty_list_of_tools_is_left_out_with_the_fields_that_need_tools(tools: object) -> None:
    body, notes = _sent(_chat(tools=tools, tool_choice="auto", parallel_tool_calls=False))
    assert body == {"model": "m", "messages": MESSAGES}
    assert notes == ("left out tools", "left out tool_choice", "left out parallel_tool_calls")
