"""Bodies ⇄ items: the unshared parts of a call's request and response, compressed together in as few items as fit.

An item is only written if it does not exist, so repeating an interrupted write completes it. The first item has the
number of items, and the outline of the request.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from switchboard.domain.trace import Bodies
from switchboard.store import keyspace
from switchboard.store.attributes import Item

KIND = "body"
ITEM_BYTES = 350 * 1024
"""Compressed bytes in one item; DynamoDB's limit of 400 KB includes keys and other attributes."""

type Outline = list[int | str]
"""The pieces of a request in order: an integer is a count of inline bytes, a string the SHA-256 of shared content."""


def to_items(
    project: str, trace_id: str, *, outline: Outline | None, inline: bytes, response: bytes | None, expires_at: int
) -> list[Item]:
    """The items in order. `inline`: the request's inline bytes, joined."""
    data = zlib.compress(inline + (response or b""))
    slices = [data[start : start + ITEM_BYTES] for start in range(0, len(data), ITEM_BYTES)]
    items: list[Item] = []
    for number, part in enumerate(slices):
        key = keyspace.body(project, trace_id, number)
        items.append({"pk": key.pk, "sk": key.sk, "kind": KIND, "expires_at": expires_at, "data": part})
    response_bytes = None if response is None else len(response)
    items[0] = {**items[0], "items": len(items), "request": outline, "response_bytes": response_bytes}
    return items


def from_items(items: Iterable[Mapping[str, Any]], find_shared: Callable[[str], bytes | None]) -> Bodies:
    """The bodies; each is None if it was not stored, or if part of it has expired."""
    found = list(items)
    if not found or len(found) != found[0].get("items"):
        return Bodies()
    plain = zlib.decompress(b"".join(item["data"] for item in found))
    response_bytes = found[0].get("response_bytes")
    inline, response = plain, None
    if response_bytes is not None:
        cut = len(plain) - response_bytes
        inline, response = plain[:cut], plain[cut:]
    return Bodies(_request(found[0].get("request"), inline, find_shared), response)


def _request(outline: Outline | None, inline: bytes, find_shared: Callable[[str], bytes | None]) -> bytes | None:
    if outline is None:
        return None
    pieces, at = [], 0
    for piece in outline:
        if isinstance(piece, int):
            pieces.append(inline[at : at + piece])
            at += piece
        elif (shared := find_shared(piece)) is not None:
            pieces.append(shared)
        else:
            return None
    return b"".join(pieces)
