"""Gateway keys: `sb-` and 32 random bytes. Only their SHA-256 is ever stored."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

PREFIX = "sb-"


class Scope(StrEnum):
    """What a key may do."""

    CALL = "call"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """A key as it is stored. `digest` is the SHA-256 of its text, 64 hex digits; `revoked_at` may be in the future,
    so that an old and a new key overlap."""

    digest: str
    project: str
    scopes: frozenset[Scope]
    created_at: datetime
    name: str = ""
    revoked_at: datetime | None = None

    @property
    def key_id(self) -> str:
        """The key's public id, safe to log and to show."""
        return key_id(self.digest)

    def is_valid_at(self, now: datetime) -> bool:
        """Whether the key is accepted at that time."""
        return self.revoked_at is None or now < self.revoked_at


def mint() -> str:
    """The text of a new key. It cannot be recovered: only its digest is stored."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """The SHA-256 of a key's text, as stored."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def key_id(digest: str) -> str:
    """The public id for a digest, whether or not such a key exists."""
    return f"key_{digest[:12]}"
