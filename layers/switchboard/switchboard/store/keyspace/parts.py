"""The primary key of an item, and texts as parts of it."""

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

MAX_SORT_KEY_BYTES = 1024
"""DynamoDB's limit."""

_LONGEST_PART = 512  # a partition key holds 2,048 bytes
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Key:
    """The primary key of an item."""

    pk: str
    sk: str


def part(text: str) -> str:
    """The text as a part of a key: escaped, or its hash if it is too long. Different texts give different parts."""
    escaped = text.replace("%", "%25").replace("#", "%23")
    if len(escaped.encode("utf-8", "replace")) <= _LONGEST_PART:
        return escaped
    return "%" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()  # longer than any escaped part


def text_of(part: str) -> str:
    """The text of a part of a key; another text where the part is the hash of a long one."""
    return part.replace("%23", "#").replace("%25", "%")


def digest(texts: Sequence[str | None]) -> str:
    """A hash of the texts in 22 characters, different for different texts."""
    whole = hashlib.sha256(json.dumps(texts).encode()).digest()
    return base64.urlsafe_b64encode(whole[:_DIGEST_BYTES]).decode().rstrip("=")


def hashed(text: str) -> int:
    """A small hash of the text, the same in every process: for shards."""
    return zlib.crc32(text.encode("utf-8", "replace"))
