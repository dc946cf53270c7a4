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
        body.rename(self.old, self.new)


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


@dataclass(frozen=True, slots=True)
class OnlyBeside:
    """Leaves out a field that the provider takes only beside another."""

    name: str
    other: str

    def __call__(self, body: Draft) -> None:
        """Leave the field out where the other is absent, false or empty."""
        if not body.fields.get(self.other):
            body.drop(self.name)


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


def _silent_turn() -> Json:
    return {"role": "user", "content": SILENCE}
