"""The ids of a history: hashes that show which calls have the same history, and which history continues which."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from switchboard.domain.turns import TurnIds

if TYPE_CHECKING:
    from hashlib import _Hash

type Message = Mapping[str, Any]

MAX_ANCESTORS = 8
"""Covers at least four turns of a conversation; older calls have ended."""
_PLAIN_FIELDS = 2  # role and content
_spell = json.JSONEncoder(sort_keys=True).encode
_ID_CHARACTERS = 24  # 96 bits, among the few histories of one conversation


def turn_ids(scope: Sequence[str], messages: Sequence[Message]) -> TurnIds:
    """The ids of a history of at least one message. Each message is hashed once.

    `scope`: what calls must share to belong to the same thread, such as the project and the conversation.
    """
    running = hashlib.sha256(json.dumps(scope).encode())
    wanted = set(_earlier_ends(messages))
    thread_id, ancestors = "", []
    for count, message in enumerate(messages, 1):
        _add(running, message)
        if count == 1:
            thread_id = _id(running, b"thread")
        if count in wanted:
            ancestors.append(_id(running))
    return TurnIds(thread_id, _id(running), tuple(ancestors))


def _earlier_ends(messages: Sequence[Message]) -> list[int]:
    """The lengths of the histories that earlier calls can have had. No call ends between the results of tools."""
    lengths = (count for count in range(len(messages) - 1, 0, -1) if messages[count].get("role") != "tool")
    return [count for count, _ in zip(lengths, range(MAX_ANCESTORS), strict=False)]


def _add(running: "_Hash", message: Message) -> None:
    """Hash a message. Plain text is not encoded as JSON: for 2 MB, that takes three times as long as hashing."""
    role, content = message.get("role"), message.get("content")
    if len(message) == _PLAIN_FIELDS and isinstance(role, str) and isinstance(content, str):
        running.update(f"said {len(role)} {len(content)} {role}".encode("utf-8", "surrogatepass"))
        running.update(content.encode("utf-8", "surrogatepass"))
    else:
        running.update(f"json {_spell(message)}".encode())


def _id(running: "_Hash", purpose: bytes = b"") -> str:
    fork = running.copy()
    fork.update(purpose)
    return fork.hexdigest()[:_ID_CHARACTERS]
