"""Content stored once per project and SHA-256, in parts, under a mark that says that all parts are there.

Order is what makes it safe: parts first, then the mark; a crash in between leaves parts that nobody refers to. Each
part is compressed by itself, so that two writers (even with different versions of zlib) only write parts that fit.
"""

import hashlib
import zlib
from datetime import timedelta
from threading import Lock

from switchboard.store import keyspace
from switchboard.store.dynamodb_table import Table

KIND = "blob"
PART_BYTES = 350 * 1024
"""Before compression: it stays below DynamoDB's 400 KB even where compression only adds."""
MARGIN_S = int(timedelta(days=1).total_seconds())
"""How much longer content is kept than asked for, so that it is renewed once a day and not with every call."""

_MAX_REMEMBERED = 4096


class SharedContent:
    """The store of shared content. Safe to share between threads."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def keep(self, project: str, content: bytes, until: int) -> str:
        """Makes sure that the content is there until that time (epoch seconds) at least; its SHA-256 in hex."""
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
        """The content, or None unless all of it is there."""
        mark = keyspace.blob_mark(project, digest)
        parts = self._table.partition(mark.pk, keyspace.BLOB_PARTS)
        content = b"".join(zlib.decompress(part["data"]) for part in parts)
        return content if hashlib.sha256(content).hexdigest() == digest else None

    def _marked_until(self, project: str, digest: str) -> int:
        # Read before it is written: a condition that fails is billed like the write.
        mark = self._table.get(keyspace.blob_mark(project, digest))
        return 0 if mark is None else int(mark["expires_at"])

    def _write(self, project: str, digest: str, content: bytes, expires_at: int) -> None:
        for number, start in enumerate(range(0, len(content), PART_BYTES)):
            data = zlib.compress(content[start : start + PART_BYTES])
            self._put(keyspace.blob_part(project, digest, number), expires_at, data)
        self._put(keyspace.blob_mark(project, digest), expires_at, None)

    def _put(self, key: keyspace.Key, expires_at: int, data: bytes | None) -> None:
        # A slower writer must not shorten the life that another has just given.
        self._table.put_if(
            {"pk": key.pk, "sk": key.sk, "kind": KIND, "expires_at": expires_at, "data": data},
            "attribute_not_exists(pk) OR #expires_at < :expires_at",
            expires_at=expires_at,
        )

    def _remember(self, project: str, digest: str, expires_at: int) -> None:
        with self._lock:
            while len(self._known) >= _MAX_REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[project, digest] = expires_at
