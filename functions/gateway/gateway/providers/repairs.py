"""Repairs that several providers need: each changes a draft so that the provider accepts it, with a note."""

from dataclasses import dataclass

from gateway.domain.codec import Draft
from gateway.providers.claude_models import claude
from switchboard.stream.deltas import Json

SILENCE = "..."
"""What ElevenLabs itself sends for a turn in which the caller said nothing."""

_INSTRUCTIONS = ("system", "developer")  # not a set: a role may be of any type, hashable or not


@dataclass(frozen=True, slots=True)
class Renamed:
    """Sends a field under the name that the provider takes."""

    old: str
    new: str

    def __call__(self, body: Draft) -> None:
        """Rename the field, if it is there; a value already under the new name is kept."""
        if self.old in body.fields:
            body.fields.setdefault(self.new, body.fields[self.old])
            del body.fields[self.old]
            body.note(f"sent {self.old} as {self.new}")


@dataclass(frozen=True, slots=True)
class Capped:
    """Lowers a number to the maximum that the provider takes."""

    name: str
    maximum: float

    def __call__(self, body: Draft) -> None:
        """Lower the number, if it is there and above the maximum."""
        value = body.fields.get(self.name)
        if isinstance(value, int | float) and value > self.maximum:
            body.fields[self.name] = self.maximum
            body.note(f"lowered {self.name} to {self.maximum}")


def ask_for_one_choice(body: Draft) -> None:
    """Leaves out `n` unless it is 1."""
    if body.fields.get("n", 1) != 1:
        body.drop("n")


def begin_with_user(body: Draft) -> None:
    """Puts a short user turn before a history that begins with another role's."""
    for position, message in enumerate(body.messages):
        if message.get("role") in _INSTRUCTIONS:
            continue
        if message.get("role") != "user":
            body.messages.insert(position, _silent_turn())
            body.note("began the history with a short user turn")
        return


def end_with_user(body: Draft) -> None:
    """Appends a short user turn to a history that ends with the assistant's or holds only instructions."""
    roles = [message.get("role") for message in body.messages if message.get("role") not in _INSTRUCTIONS]
    if body.messages and (not roles or roles[-1] == "assistant"):
        body.messages.append(_silent_turn())
        body.note("appended a short user turn")


def end_with_user_for_claude(body: Draft) -> None:
    """Appends a short user turn where a newer Claude would refuse a history that ends with the assistant's."""
    last = body.messages[-1].get("role") if body.messages else None
    if last == "assistant" and not claude(body.model).takes_prefill:
        end_with_user(body)


def send_developer_as_system(body: Draft) -> None:
    """Sends `developer` messages as `system`."""
    body.rewrite_messages(
        lambda message: {**message, "role": "system"} if message.get("role") == "developer" else message,
        "sent developer messages as system",
    )


def flatten_content(body: Draft) -> None:
    """Makes every message's content a string: null becomes empty, an array its texts joined by newlines."""

    def flatten(message: Json) -> Json:
        content = message.get("content")
        return message if isinstance(content, str) else {**message, "content": _text_of(content, body)}

    body.rewrite_messages(flatten, "made contents plain text")


def keep_in_messages(body: Draft, names: frozenset[str]) -> None:
    """Leave out all other fields of messages, nulls too, and fields of tool calls beyond the call itself."""
    of_calls = {"id", "type", "function", "custom"} | (names & {"extra_content"})
    for position, message in enumerate(body.messages):
        kept = {name: value for name, value in message.items() if name in names and _is_kept(name, value)}
        for name in message.keys() - kept.keys():
            body.note(f"left out messages[].{name}")
        calls = kept.get("tool_calls")
        if isinstance(calls, list) and any(_has_other_fields(call, of_calls) for call in calls):
            kept["tool_calls"] = [_kept(call, of_calls) for call in calls]
            body.note("left out fields of tool calls")
        if kept != message:
            body.messages[position] = kept


def _is_kept(name: str, value: object) -> bool:
    return name == "content" or value is not None


def _has_other_fields(call: object, names: set[str]) -> bool:
    return isinstance(call, dict) and not call.keys() <= names


def _kept(call: object, names: set[str]) -> object:
    return {name: value for name, value in call.items() if name in names} if isinstance(call, dict) else call


def _silent_turn() -> Json:
    return {"role": "user", "content": SILENCE}


def _text_of(content: object, body: Draft) -> str:
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") if isinstance(part, dict) else part for part in content]
    if not all(isinstance(text, str) for text in texts):
        body.note("left out parts of a message that are no text")
    return "\n".join(text for text in texts if isinstance(text, str))
