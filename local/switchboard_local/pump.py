"""Stands in for Lambda's event source: hands the table's stream to the aggregator, and wakes it for its sweep."""

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
SWEEP_EVERY_S = 300.0
INVOCATION_MS = 60_000.0
LAST_BATCH_S = 10.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0

type Handle = Callable[[Mapping[str, Any], Callable[[], float]], Mapping[str, Any]]
"""The aggregator: an event and the milliseconds that are left, answered as Lambda expects it."""

SCHEDULED_EVENT = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


class Unsettled(Exception):
    """The aggregator asks for some records again."""

    def __init__(self, records: int) -> None:
        super().__init__(f"{records} records are not settled yet; the log has the reason")


class Pump:
    """Runs in a thread of its own from `with` to its end; what it had not handed over then, it does the next time.

    `checkpoint` is the file that remembers how far it came. `say` gets a line for a person when something is wrong.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        stream_arn: str,
        checkpoint: Path,
        event_filter: EventFilter,
        handle: Handle,
        say: Callable[[str], None],
    ) -> None:
        self._stream = TableStream(connect_streams(endpoint), stream_arn, Checkpoint(checkpoint, stream_arn))
        self._filter = event_filter
        self._handle = handle
        self._say = say
        self._stopping = threading.Event()
        self._stop_by = math.inf
        self._thread = threading.Thread(target=self._run, name="pump")
        self._failures = 0
        self._find_shards_at = 0.0
        self._sweep_at = 0.0

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
                is_busy = self._round()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round may be better, as on Lambda
                self._failed(error)
            else:
                self._failures = 0
                if not is_busy:
                    self._stopping.wait(IDLE_S)

    def _round(self) -> bool:
        """Hand over what has come since; whether there was anything."""
        now = time.monotonic()
        if now >= self._find_shards_at:
            self._stream.find_shards()
            self._find_shards_at = now + FIND_SHARDS_EVERY_S
        is_busy = False
        for shard_id in self._stream.shards():
            if records := self._stream.read(shard_id, BATCH_RECORDS):
                is_busy = True
                self._hand_over(shard_id, records)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_EVERY_S
            self._invoke(SCHEDULED_EVENT)
        return is_busy

    def _hand_over(self, shard_id: str, records: Sequence[Mapping[str, Any]]) -> None:
        events = [to_lambda(record, self._stream.arn) for record in records]
        due = [event for event in events if self._filter.admits(event)]
        try:
            answer = self._invoke({"Records": due}) if due else {}
        except BaseException:
            self._stream.go_back(shard_id)
            raise
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        failed = {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", ())}
        # As Lambda does it: everything from the first failed record on comes again.
        first_failed = next((place for place, number in enumerate(numbers) if number in failed), len(numbers))
        if first_failed > 0:
            self._stream.done(shard_id, numbers[first_failed - 1])
        if failed:
            self._stream.go_back(shard_id)
            raise Unsettled(len(failed))

    def _invoke(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        ends_at = time.monotonic() + INVOCATION_MS / 1000
        return self._handle(event, lambda: (min(ends_at, self._stop_by) - time.monotonic()) * 1000)

    def _failed(self, error: Exception) -> None:
        """Say it the first time, and wait longer each time."""
        if self._failures == 0 and not self._stopping.is_set():
            self._say(f"  The aggregator tries again after {type(error).__name__}: {error}")
        self._stopping.wait(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._failures, 10)))
        self._failures += 1
