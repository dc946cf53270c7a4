"""Lambda's event source mapping on this machine: invokes the aggregator with the table's stream."""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from switchboard_local.event_filter import EventFilter
from switchboard_local.stream_event import to_lambda
from switchboard_local.table_stream import Checkpoint, TableStream, connect_streams

BATCH_RECORDS = 100
IDLE_S = 0.1
FIND_SHARDS_EVERY_S = 10.0
INVOCATION_MS = 60_000.0
LAST_BATCH_S = 10.0
HAS_READ_EVERY_S = 1.0
_AHEAD = (
    "  The aggregator's position is after the end of the table's stream, as if the database were an older copy. "
    "It reads the stream from its beginning; each call is still counted once."
)
_UNWRITTEN = "  The aggregator goes on, but cannot write its position in the table's stream"
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0

type Handle = Callable[[Mapping[str, Any], Callable[[], float]], Mapping[str, Any]]
"""The aggregator's handler: takes an event and the milliseconds left, and returns what Lambda expects."""


class Unsettled(Exception):
    """The aggregator reported failed records, which are sent again."""

    def __init__(self, records: int) -> None:
        super().__init__(f"{records} records are not settled yet; the log has the reason")


class EventSource:
    """Polls the stream in its own thread while a `with` block runs. The next run continues after the last record.

    `checkpoint` is the file with its position. `show` prints a line on the terminal if something fails. `has_read` is
    called about once a second while the stream can be read.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        stream_arn: str,
        checkpoint: Path,
        event_filter: EventFilter,
        handle: Handle,
        show: Callable[[str], None],
        has_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._stream = TableStream(connect_streams(endpoint), stream_arn, Checkpoint(checkpoint, stream_arn))
        self._filter = event_filter
        self._handle = handle
        self._show = show
        self._has_read = has_read
        self._has_read_at = 0.0
        self._stopping = threading.Event()
        self._stop_by = math.inf
        self._thread = threading.Thread(target=self._run, name="event-source")
        self._failures = 0
        self._is_unwritten = False
        self._find_shards_at = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop_by = time.monotonic() + LAST_BATCH_S
        self._stopping.set()
        self._thread.join(LAST_BATCH_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                is_busy = self._read_shards()
            except Exception as error:  # noqa: BLE001 - retried whatever it is, as on Lambda
                self._failed(error)
            else:
                self._succeeded()
                if not is_busy:
                    self._stopping.wait(IDLE_S)

    def _read_shards(self) -> bool:
        """Process what is new. Returns whether there was anything."""
        now = time.monotonic()
        if now >= self._find_shards_at:
            if self._stream.find_shards():
                self._show(_AHEAD)
            self._find_shards_at = now + FIND_SHARDS_EVERY_S
        is_busy = False
        for shard_id in self._stream.shards():
            if records := self._stream.read(shard_id, BATCH_RECORDS):
                is_busy = True
                self._process(shard_id, records)
        return is_busy

    def _process(self, shard_id: str, records: Sequence[Mapping[str, Any]]) -> None:
        events = [to_lambda(record, self._stream.arn) for record in records]
        due = [event for event in events if self._filter.admits(event)]
        try:
            answer = self._invoke({"Records": due}) if due else {}
        except BaseException:
            self._stream.go_back(shard_id)
            raise
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        failed = {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", ())}
        # As on Lambda: all records from the first failed one on are sent again.
        first_failed = next((index for index, number in enumerate(numbers) if number in failed), len(numbers))
        if first_failed > 0:
            self._done(shard_id, numbers[first_failed - 1])
        if failed:
            self._stream.go_back(shard_id)
            raise Unsettled(len(failed))

    def _done(self, shard_id: str, number: str) -> None:
        """Write the position. Where it cannot be written, the stream is read on all the same."""
        try:
            self._stream.done(shard_id, number)
        except OSError as error:
            if not self._is_unwritten:
                self._show(f"{_UNWRITTEN}: {error.strerror}.")
            self._is_unwritten = True
        else:
            self._is_unwritten = False

    def _invoke(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        ends_at = time.monotonic() + INVOCATION_MS / 1000
        return self._handle(event, lambda: (min(ends_at, self._stop_by) - time.monotonic()) * 1000)

    def _succeeded(self) -> None:
        self._failures = 0
        now = time.monotonic()
        if now >= self._has_read_at:
            self._has_read_at = now + HAS_READ_EVERY_S
            self._has_read()

    def _failed(self, error: Exception) -> None:
        """Show the first of several failures, and wait longer after each."""
        if self._failures == 0 and not self._stopping.is_set():
            self._show(f"  The aggregator will retry after {type(error).__name__}: {error}")
        self._stopping.wait(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._failures, 10)))
        self._failures += 1
