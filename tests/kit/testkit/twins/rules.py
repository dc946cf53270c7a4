"""Rules that refuse request bodies, for the twins' rows."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from testkit.twins.dialect import Json, Refusal, Rule

type RefuseField = Callable[[str], Refusal]
"""A refusal that names a field, such as `user_id` or `messages.0.name`."""


def only_fields(allowed: frozenset[str], refuse: RefuseField) -> Rule:
    """Refuse the first unknown top-level field."""
    return lambda body: next((refuse(name) for name in body if name not in allowed), None)


def no_fields(forbidden: frozenset[str], refuse: RefuseField) -> Rule:
    """Refuse these top-level fields."""
    return lambda body: next((refuse(name) for name in body if name in forbidden), None)


def only_message_fields(allowed: frozenset[str], refuse: RefuseField) -> Rule:
    """Refuse the first unknown field of a message, named `messages.0.name`."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            for name in message.keys() - allowed:
                return refuse(f"messages.{number}.{name}")
        return None

    return rule


def positive_limit(refuse: RefuseField) -> Rule:
    """Refuse a token limit that is null or below 1."""

    def rule(body: Json) -> Refusal | None:
        for name in ("max_tokens", "max_completion_tokens"):
            if name in body and not (isinstance(body[name], int) and body[name] > 0):
                return refuse(name)
        return None

    return rule


def temperature_within(highest: float, refuse: RefuseField) -> Rule:
    """Refuse a temperature out of range, null included."""

    def rule(body: Json) -> Refusal | None:
        value = body.get("temperature", 0)
        is_valid = isinstance(value, int | float) and 0 <= value <= highest
        return None if is_valid else refuse("temperature")

    return rule


def options_only_when_streamed(refusal: Refusal) -> Rule:
    """Refuse `stream_options` without `stream`."""
    return lambda body: refusal if "stream_options" in body and not body.get("stream") else None


def tool_results_have_calls(refusal: Refusal) -> Rule:
    """Refuse a tool's result whose call is not in the history, and a call without its result."""

    def rule(body: Json) -> Refusal | None:
        open_calls: set[str] = set()
        for message in body["messages"]:
            if message["role"] == "tool":
                if message.get("tool_call_id") not in open_calls:
                    return refusal
                open_calls.discard(message["tool_call_id"])
            elif open_calls:
                return refusal
            open_calls |= {call["id"] for call in message.get("tool_calls") or ()}
        return refusal if open_calls else None

    return rule


def some_message_but_system(refusal: Refusal) -> Rule:
    """Refuse a history of system messages alone."""
    return lambda body: None if any(m["role"] not in {"system", "developer"} for m in body["messages"]) else refusal


def not_last_assistant(refusal: Refusal, applies: Callable[[str], bool] = lambda _model: True) -> Rule:
    """Refuse a history whose last turn, system messages aside, is the assistant's."""

    def rule(body: Json) -> Refusal | None:
        turns = [message["role"] for message in body["messages"] if message["role"] not in {"system", "developer"}]
        return refusal if turns[-1:] == ["assistant"] and applies(body["model"]) else None

    return rule


def begins_with_user(refusal: Refusal) -> Rule:
    """Refuse a history whose first turn, system messages aside, is not the user's."""

    def rule(body: Json) -> Refusal | None:
        turns = [message["role"] for message in body["messages"] if message["role"] not in {"system", "developer"}]
        return None if turns[:1] == ["user"] else refusal

    return rule


def calls_after_a_turn(refusal: Refusal) -> Rule:
    """Refuse a history that begins with a tool call."""

    def rule(body: Json) -> Refusal | None:
        turns = [message for message in body["messages"] if message["role"] not in {"system", "developer"}]
        return refusal if turns and turns[0].get("tool_calls") else None

    return rule


def no_system_after_answer(refusal: Refusal) -> Rule:
    """Refuse instructions right after an answer or a tool's result."""

    def rule(body: Json) -> Refusal | None:
        pairs = set(itertools.pairwise(message["role"] for message in body["messages"]))
        return refusal if pairs & {("assistant", "system"), ("tool", "system")} else None

    return rule


def no_user_after_tool(refusal: Refusal) -> Rule:
    """Refuse a user's turn right after a tool's result."""

    def rule(body: Json) -> Refusal | None:
        roles = [message["role"] for message in body["messages"]]
        return refusal if ("tool", "user") in itertools.pairwise(roles) else None

    return rule


def content_is_text(refuse: Callable[[int, str], Refusal]) -> Rule:
    """Refuse null, absent and array content; `refuse` takes the message's number and the content's JSON type."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            content = message.get("content")
            if not isinstance(content, str):
                return refuse(number, "null" if content is None else "array")
        return None

    return rule


def content_or_calls(refuse: RefuseField) -> Rule:
    """Refuse null content in a message that carries no tool call."""

    def rule(body: Json) -> Refusal | None:
        for number, message in enumerate(body["messages"]):
            if message.get("content") is None and not message.get("tool_calls"):
                return refuse(f"messages.{number}.content")
        return None

    return rule


def call_ids_like(pattern: str, refuse: RefuseField) -> Rule:
    """Refuse tool-call ids that do not match; `refuse` takes the id."""

    def rule(body: Json) -> Refusal | None:
        return next((refuse(str(i)) for i in _call_ids(body) if not re.fullmatch(pattern, str(i))), None)

    return rule


def _call_ids(body: Json) -> Iterator[Any]:
    for message in body["messages"]:
        if "tool_call_id" in message:
            yield message["tool_call_id"]
        for call in message.get("tool_calls") or ():
            yield call.get("id")
