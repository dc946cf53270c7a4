from typing import Any

from gateway.domain.codec import Draft
from gateway.providers.histories.nested import keep_message_fields

USER = {"role": "user", "content": "Hi."}
CALL = {"id": "c1", "type": "function", "function": {"name": "end_call", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "ok"}


def _draft(*messages: Any) -> Draft:
    return Draft("m", {"model": "m", "messages": list(messages)})


def test_other_fields_of_messages_and_calls_are_left_out_and_named() -> None:
    foreign = CALL | {"extra_content": {"google": {"thought_signature": "s"}}, "index": 0}
    body = _draft(
        {"role": "user", "content": "Hi.", "name": "anna", "tool_calls": None},
        {"role": "assistant", "content": None, "tool_calls": [foreign]},
        RESULT,
    )
    keep_message_fields(body, frozenset({"role", "content", "tool_calls", "tool_call_id"}))
    assert body.messages == [USER, CALLING, RESULT]
    assert sorted(body.notes) == [
        "left out fields of tool calls",
        "left out messages[].name",
        "left out messages[].tool_calls",
    ]


def test_a_signature_is_kept_where_it_is_accepted() -> None:
    signed = CALL | {"extra_content": {"google": {"thought_signature": "s"}}}
    body = _draft({"role": "assistant", "content": None, "tool_calls": [signed]})
    keep_message_fields(body, frozenset({"role", "content", "tool_calls", "extra_content"}))
    assert body.messages[0]["tool_calls"] == [signed]
    assert body.notes == []
