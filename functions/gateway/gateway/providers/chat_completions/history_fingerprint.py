"""Fingerprints of a history, by which a tool call is found again in the next request of its conversation."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from gateway.domain.json_text import write_json
from switchboard.stream.deltas import Json

_INSTRUCTIONS = ("system", "developer")
_BYTES = 16


def calls_with_history(messages: Sequence[Json]) -> Iterator[tuple[int, Json, str]]:
    """Each assistant message with tool calls: its position, itself, the fingerprint of the messages before it."""
    is_needed = [_has_calls(message) for message in messages]
    if not any(is_needed):
        return
    running = blake2b(digest_size=_BYTES)
    for position, message in enumerate(messages):
        if is_needed[position]:
            yield position, message, running.hexdigest()
        running.update(_essence(message))


def fingerprint(messages: Iterable[Json]) -> str:
    """The fingerprint of all these messages."""
    running = blake2b(digest_size=_BYTES)
    for message in messages:
        running.update(_essence(message))
    return running.hexdigest()


def call_ids(message: Json) -> list[str]:
    """The ids of a message's tool calls."""
    calls = message.get("tool_calls")
    ids = [call.get("id") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return [call_id for call_id in ids if isinstance(call_id, str)]


def _has_calls(message: Json) -> bool:
    return message.get("role") == "assistant" and isinstance(message.get("tool_calls"), list)


def _essence(message: Json) -> bytes:
    """What callers send alike in every turn. Instructions may hold the time, other fields may come and go."""
    role = message.get("role")
    if role in _INSTRUCTIONS:
        return b""
    told = [role, message.get("content") or "", message.get("tool_call_id"), call_ids(message)]
    return write_json(told)
