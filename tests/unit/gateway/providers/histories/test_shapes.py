"""Messages whose roles, contents or calls have another type than OpenAI documents."""

import json
from typing import Any

import pytest

from gateway.api.body import read_chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory

ROWS = [row.dialect for row in table.PROVIDERS if row.dialect not in ("anthropic", "demo")]
USER = {"role": "user", "content": "Is Monday free?"}
CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": "Let me look.", "tool_calls": [CALL]}


def sent(key: str, *messages: Any) -> list[dict[str, Any]]:
    chat = read_chat(json.dumps({"model": "gpt-4o", "messages": messages}).encode())
    body, notes = table.by_dialect(key).encode(chat, "gpt-4o", SignatureMemory(Clock()))
    found: list[dict[str, Any]] = json.loads(body)["messages"]
    assert notes or found == list(messages), "a change without a note"
    return found


def texts(content: Any) -> str:
    """The text of a content, whichever way the row sends it."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize(
    ("role", "meant"),
    [
        ("assistantassistantassistant", "assistant"),
        ("model", "assistant"),
        ("Assistant", "assistant"),
        ("User", "user"),
        ("human", "user"),
    ],
)
def test_the_role_that_is_meant_is_sent(key: str, role: str, meant: str) -> None:
    said = sent(key, USER, {"role": role, "content": "One moment."}, USER)
    assert [message["role"] for message in said if texts(message["content"]) == "One moment."] == [meant]


def test_an_assistants_words_stay_the_assistants_for_native_claude() -> None:
    said = sent("anthropic", USER, {"role": "assistantassistant", "content": "One moment."}, USER)
    assert [turn["role"] for turn in said] == ["user", "assistant", "user"]


@pytest.mark.parametrize("role", ["", "moderator", "assistan", "useruse"])
def test_an_unknown_role_is_sent_as_it_is(role: str) -> None:
    assert sent("generic", USER, {"role": role, "content": "a"})[1]["role"] == role


RESULTS: list[Any] = [{"free": True}, {"type": "booking", "at": 9}, [{"slot": "9:00"}], [1, 2], 7, True, {}]


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize("value", RESULTS)
def test_a_tools_result_that_is_no_text_is_sent_as_json(key: str, value: Any) -> None:
    said = sent(key, USER, CALLING, {"role": "tool", "tool_call_id": CALL["id"], "content": value}, USER)
    (content,) = [message["content"] for message in said if message["role"] == "tool"]
    assert json.loads(texts(content)) == value


@pytest.mark.parametrize("value", RESULTS)
def test_native_claude_gets_the_tools_result_too(value: Any) -> None:
    said = sent("anthropic", USER, CALLING, {"role": "tool", "tool_call_id": CALL["id"], "content": value}, USER)
    (result,) = [block for turn in said for block in turn["content"] if block["type"] == "tool_result"]
    assert json.loads(texts(result["content"])) == value


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize(
    "content",
    [
        {"type": "text", "text": "Hi"},
        ["H", "i"],
        [{"text": "Hi"}],
        [{"type": "text", "text": None}, "Hi"],
        {"text": "Hi"},
    ],
)
def test_text_of_another_type_is_sent_as_text(key: str, content: Any) -> None:
    (message,) = sent(key, {"role": "user", "content": content})
    assert texts(message["content"]).replace("\n", "") == "Hi"
    assert isinstance(message["content"], str) or all(part["type"] == "text" for part in message["content"])


def test_a_number_is_sent_as_text() -> None:
    assert sent("openai", {"role": "user", "content": 7}) == [{"role": "user", "content": "7"}]


@pytest.mark.parametrize("key", ["openai", "google", "mistral", "xai", "generic"])
def test_the_address_of_an_image_is_an_object(key: str) -> None:
    url = "https://x.example/a.png"
    (message,) = sent(key, {"role": "user", "content": [{"type": "image_url", "image_url": url}]})
    assert message["content"] == [{"type": "image_url", "image_url": {"url": url}}]


@pytest.mark.parametrize("key", ROWS)
def test_calls_that_are_no_objects_are_left_out(key: str) -> None:
    assert not any("tool_calls" in m for m in sent(key, USER, {**CALLING, "tool_calls": [None, "x"]}, USER))


def test_messages_of_openais_types_stay() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]
    messages = [USER, CALLING, {"role": "tool", "tool_call_id": CALL["id"], "content": [parts[0]]}]
    assert sent("generic", *messages, {"role": "user", "content": parts})[:3] == messages
