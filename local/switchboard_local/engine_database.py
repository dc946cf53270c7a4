"""Looks after dynoxide's SQLite file: an index that it needs, and stream records that nobody needs any more.

dynoxide (1.2) numbers a table's stream records by their largest number so far, which it looks for at every write, and
never deletes one.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

FILE = "dynamodb.sqlite"
_BUSY_S = 1.0
_REPLACED = (
    "The database's file was deleted or replaced. The engine still uses the former file, and what it has written is "
    "lost when it ends. Put that file back, or stop Switchboard and start it again on the new one."
)
_NUMBER = "CAST(sequence_number AS INTEGER)"
_INDEX = f"CREATE INDEX IF NOT EXISTS switchboard_stream_records ON _stream_records (table_name, {_NUMBER})"
_LABEL = "SELECT stream_label FROM _tables WHERE table_name = ?"
_OLDEST = f"SELECT shard_id FROM _stream_records WHERE table_name = ? ORDER BY {_NUMBER} LIMIT 1"  # noqa: S608 - constants
_LAST = f"SELECT MAX({_NUMBER}) FROM _stream_records WHERE table_name = ?"  # noqa: S608
_DELETE = f"""DELETE FROM _stream_records WHERE id IN (
    SELECT id FROM _stream_records WHERE table_name = ? AND shard_id = ? AND {_NUMBER} < ?
    ORDER BY {_NUMBER} LIMIT ?)"""  # noqa: S608


class DatabaseReplaced(Exception):
    """The engine writes to a file that is no longer in the data folder. The message says what to do."""


class DatabaseFile:
    """Knows with which file the engine works. `starts` counts the engine's starts: each opens the file anew."""

    def __init__(self, data_dir: Path, starts: Callable[[], int]) -> None:
        self._path = data_dir / FILE
        self._starts = starts
        self._opened = (starts(), self._identity())

    def check(self) -> None:
        """Raise DatabaseReplaced if another file, or none, is in its place."""
        starts, found = self._starts(), self._identity()
        if starts != self._opened[0] and found:
            self._opened = (starts, found)
        elif self._opened[1] not in {None, found}:  # DynamoDB Local has a file of another name
            raise DatabaseReplaced(_REPLACED)

    def _identity(self) -> tuple[int, int] | None:
        with suppress(OSError):
            found = self._path.stat()
            return found.st_dev, found.st_ino
        return None


def index_stream_records(data_dir: Path) -> None:
    """Add the index with which a write takes the same time however many stream records there are.

    Without it the engine works, only slower: an error is of no consequence.
    """
    with suppress(sqlite3.Error), _opened(data_dir) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = '_stream_records'").fetchone():
            database.execute(_INDEX)


def has_stream(data_dir: Path, stream_arn: str) -> bool:
    """Whether this file has the table with that stream."""
    with suppress(sqlite3.Error), _opened(data_dir) as database:
        return _is_of(database, *_names(stream_arn))
    return False


def trim_stream(data_dir: Path, stream_arn: str, done: Callable[[str], str | None], limit: int) -> int:
    """Delete up to `limit` records of the stream that are done with, the oldest first. Returns how many it deleted.

    `done` returns the sequence number of a shard's last processed record, None if there is none. That record is kept,
    and so is the last of all: the engine continues counting there. If the file has no such stream, nothing is deleted.
    Raises sqlite3.Error, for example while the engine writes.
    """
    table, label = _names(stream_arn)
    with _opened(data_dir) as database:
        if not _is_of(database, table, label):
            return 0
        oldest = database.execute(_OLDEST, (table,)).fetchone()
        processed = done(oldest[0]) if oldest else None
        last = database.execute(_LAST, (table,)).fetchone()[0]
        if processed is None or last is None or int(processed) > last:
            return 0  # a position behind the stream's end is another database's
        return database.execute(_DELETE, (table, oldest[0], int(processed), limit)).rowcount


def _names(stream_arn: str) -> tuple[str, str]:
    table, _, label = stream_arn.partition(":table/")[2].partition("/stream/")
    return table, label


def _is_of(database: sqlite3.Connection, table: str, label: str) -> bool:
    return bool(database.execute(_LABEL, (table,)).fetchone() == (label,))


@contextmanager
def _opened(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """The file, which must exist; every statement is a transaction."""
    uri = f"{(data_dir / FILE).resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = NORMAL")
        yield database
