"""Content stored once per project and SHA-256, in parts, with a marker that is written when all parts are stored.

Parts are written before the marker, so a crash in between only leaves parts that are not referred to. Each part is
compressed separately, so that parts of two concurrent writers can be mixed, even with different versions of zlib.
"""

import hashlib
import zlib
from datetime import timedelta
from threading import Lock

from switchboard.domain.bounded_dict import BoundedDict
from switchboard.store import keyspace
from switchboard.store.dynamodb_table import Table

KIND = "blob"
PART_BYTES = 350 * 1024
"""Before compression; stays below DynamoDB's limit of 400 KB even if compression makes a part larger."""
MARGIN_S = int(timedelta(days=1).total_seconds())
"""Content is kept this much longer than requested, so that it is renewed once a day and not with every call."""

_MAX_REMEMBERED = 4096


class SharedContent:
    """The store of shared content. Safe to share between threads."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known = BoundedDict[tuple[str, str], int](_MAX_REMEMBERED)
        self._lock = Lock()

    def keep(self, project: str, content: bytes, until: int) -> str:
        """Store the content until at least that time (epoch seconds); returns its SHA-256 in hex."""
        digest = hashlib.sha256(content).hexdigest()
        if self._known.get((project, digest), 0) >= until:
            return digest
        expires_at = self._marked_until(project, digest)
        if expires_at < until:
            expires_at = until + MARGIN_S
            self._write(project, digest, content, expires_at)
        self._remember(project, digest, expires_at)
        return digest

    def find(self, project: str, digest: str) -> bytes | None:
        """The content, or None if any part of it is missing."""
        mark = keyspace.blob_mark(project, digest)
        parts = self._table.partition(mark.pk, keyspace.BLOB_PARTS)
        content = b"".join(zlib.decompress(part["data"]) for part in parts)
        return content if hashlib.sha256(content).hexdigest() == digest else None

    def _marked_until(self, project: str, digest: str) -> int:
        # Read before writing: a write whose condition fails is billed like a write.
        mark = self._table.get(keyspace.blob_mark(project, digest))
        return 0 if mark is None else int(mark["expires_at"])

    def _write(self, project: str, digest: str, content: bytes, expires_at: int) -> None:
        for number, start in enumerate(range(0, len(content), PART_BYTES)):
            data = zlib.compress(content[start : start + PART_BYTES])
            self._put(keyspace.blob_part(project, digest, number), expires_at, data)
        self._put(keyspace.blob_mark(project, digest), expires_at, None)

    def _put(self, key: keyspace.Key, expires_at: int, data: bytes | None) -> None:
        # The condition keeps a slower writer from shortening the expiry that another has just set.
        self._table.put_if(
            {"pk": key.pk, "sk": key.sk, "kind": KIND, "expires_at": expires_at, "data": data},
            "attribute_not_exists(pk) OR #expires_at < :expires_at",
            expires_at=expires_at,
        )

    def _remember(self, project: str, digest: str, expires_at: int) -> None:
        with self._lock:
            self._known[project, digest] = expires_at
