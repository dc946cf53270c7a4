from typing import Any

import pytest

from gateway.domain.codec import Draft
from gateway.providers.repairs import (
    Capped,
    Renamed,
    ask_for_one_choice,
    begin_with_user,
    end_with_user,
    end_with_user_for_claude,
    send_developer_as_system,
)

SYSTEM = {"role": "system", "content": "You are Ada."}
GREETING = {"role": "assistant", "content": "Hello, this is Ada."}
USER = {"role": "user", "content": "Hi."}
SILENCE = {"role": "user", "content": "..."}
CALL = {"id": "c1", "type": "function", "function": {"name": "end_call", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "ok"}


def _draft(*messages: Any, model: str = "m", **fields: Any) -> Draft:
    return Draft(model, {"model": model, "messages": list(messages)} | fields)


@pytest.mark.parametrize(
    ("history", "repaired"),
    [
        ([USER], [USER]),
        ([SYSTEM, USER, GREETING], [SYSTEM, USER, GREETING, SILENCE]),
        ([SYSTEM], [SYSTEM, SILENCE]),
        ([USER, GREETING, SYSTEM], [USER, GREETING, SYSTEM, SILENCE]),
        ([USER, CALLING, RESULT], [USER, CALLING, RESULT]),
        ([], []),
    ],
)
def test_a_history_ends_with_the_user_or_a_tool(history: list[Any], repaired: list[Any]) -> None:
    body = _draft(*history)
    end_with_user(body)
    assert body.messages == repaired
    assert body.notes == (["appended a short user turn"] if repaired != history else [])


@pytest.mark.parametrize(
    ("history", "repaired"),
    [
        ([SYSTEM, GREETING, USER], [SYSTEM, SILENCE, GREETING, USER]),
        ([CALLING, RESULT], [SILENCE, CALLING, RESULT]),
        ([SYSTEM, USER], [SYSTEM, USER]),
        ([SYSTEM], [SYSTEM]),
        ([], []),
    ],
)
def test_a_history_begins_with_the_user(history: list[Any], repaired: list[Any]) -> None:
    body = _draft(*history)
    begin_with_user(body)
    assert body.messages == repaired
    assert bool(body.notes) is (repaired != history)


@pytest.mark.parametrize(
    ("model", "is_appended"),
    [
        ("anthropic/claude-4.6-sonnet-20260217", True),
        ("anthropic/claude-opus-4.6", True),
        ("us.anthropic.claude-opus-4-6-v1", True),
        ("claude-sonnet-5", True),
        ("claude-opus-latest", True),
        ("claude-haiku-4-5-20251001", False),
        ("anthropic/claude-haiku-4.5", False),
        ("claude-sonnet-4-20250514", False),
        ("claude-3-5-sonnet-20241022", False),
        ("gpt-4o", False),
    ],
)
def test_a_user_turn_is_appended_for_newer_claudes(model: str, is_appended: bool) -> None:
    body = _draft(USER, GREETING, model=model)
    end_with_user_for_claude(body)
    assert (body.messages[-1] == SILENCE) is is_appended


def test_repairing_twice_changes_nothing_more() -> None:
    body = _draft(SYSTEM, GREETING, model="claude-sonnet-4-6")
    for repair in (begin_with_user, end_with_user, send_developer_as_system) * 2:
        repair(body)
    assert body.messages == [SYSTEM, SILENCE, GREETING, SILENCE]


def test_developer_messages_are_sent_as_system() -> None:
    body = _draft({"role": "developer", "content": "Be brief."}, USER)
    send_developer_as_system(body)
    assert body.messages == [{"role": "system", "content": "Be brief."}, USER]


@pytest.mark.parametrize(
    ("fields", "renamed"),
    [({"old": 5}, {"new": 5}), ({"old": 5, "new": 7}, {"new": 7}), ({"new": 7}, {"new": 7}), ({}, {})],
)
def test_a_field_is_sent_under_the_accepted_name(fields: dict[str, Any], renamed: dict[str, Any]) -> None:
    body = _draft(**fields)
    Renamed("old", "new")(body)
    assert body.fields == {"model": "m", "messages": []} | renamed
    assert bool(body.notes) is ("old" in fields)


@pytest.mark.parametrize(("value", "sent"), [(2, 1.5), (1.5, 1.5), (0.3, 0.3), ("2", "2")])
def test_a_number_is_lowered_to_the_maximum(value: object, sent: object) -> None:
    body = _draft(temperature=value)
    Capped("temperature", 1.5)(body)
    assert body.fields["temperature"] == sent
    assert bool(body.notes) is (value != sent)


@pytest.mark.parametrize(("fields", "notes"), [({"n": 2}, ["left out n"]), ({"n": 1}, []), ({}, [])])
def test_more_than_one_choice_is_left_out(fields: dict[str, Any], notes: list[str]) -> None:
    body = _draft(**fields)
    ask_for_one_choice(body)
    assert body.fields.get("n", 1) == 1
    assert body.notes == notes
