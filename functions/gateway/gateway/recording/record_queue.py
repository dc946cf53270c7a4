"""Writes records to the store beside the calls, and tries again until they are written or must be given up."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from traceback import extract_tb

from gateway.recording.kept_content import KeptContent
from gateway.recording.redacted_trace import with_counts
from switchboard.domain.limits import MAX_WAITING_BYTES
from switchboard.domain.trace import Bodies, Trace
from switchboard.store.ports import BodiesUnwritten, RowRefused, StoreUnavailable, TraceStore

WRITERS = 2
"""Threads that write. More would only compete with the streaming event loop for the interpreter's lock."""
ROW_BYTES = 4 * 1024
"""How much a row counts, beside its bodies and its metadata."""
FIRST_PAUSE_S = 0.05
MAX_PAUSE_S = 2.0
_MAX_DOUBLINGS = 16
MAX_UNEXPECTED_TRIES = 3
"""After so many errors that are none of the store's own, a record is given up: the fault is most likely ours."""
MAX_REASON_CHARACTERS = 300

FULL = "Too many records are waiting for the store."
ENDING = "The process ends, and the store has not taken the record."
LATE = "The store has not taken the record in the time after the reply."


@dataclass(slots=True, eq=False)
class Record:
    """One row to be written. `is_open`: of a call under way; it is dropped without a word once the call is over.

    `content`: what still has to be taken from the call's content, for the trace and the bodies. It takes a while for
    long ones: a writer's thread does it.
    `over` is done when the record is written (True), or given up or dropped (False). `tries`: how many have failed.
    `has_row`: only the bodies are still unwritten. `reason`: why the last try failed.
    """

    trace: Trace
    over: asyncio.Future[bool]
    bodies: Bodies = field(default_factory=Bodies)
    content: KeptContent | None = None
    is_open: bool = False
    tries: int = 0
    has_row: bool = False
    reason: str | None = None

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        bodies = len(self.bodies.request or b"") + len(self.bodies.response or b"")
        prompt = 0 if self.content is None else self.content.prompt.size
        return ROW_BYTES + bodies + prompt + sum(len(name) + len(text) for name, text in self.trace.metadata.items())

    def complete_trace(self) -> None:
        """Take from the content what the row has of it. Idempotent."""
        content = self.content  # a writer's thread may be done with it meanwhile
        if content is not None:
            self.trace = content.trace(self.trace)


type OnGivenUp = Callable[[Record, str], None]


class RecordQueue:
    """Records that wait for the store, oldest first, bounded by bytes. `on_given_up` is told of each unwritten one.

    Belongs to one event loop. Where its tasks are cancelled at the loop's end, everything that waits is given up.
    """

    def __init__(
        self,
        store: TraceStore,
        on_given_up: OnGivenUp,
        random: Random,
        *,
        writers: Executor | None = None,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._store = store
        self._on_given_up = on_given_up
        self._random = random
        self._writers = writers or ThreadPoolExecutor(WRITERS, "recorder")
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting_bytes = 0
        self._queue: deque[Record] = deque()
        self._sizes: dict[Record, int] = {}
        self._finished = 0
        self._failures = 0
        self._working = 0
        self._workers: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Records of finished calls that are not yet written."""
        return self._finished

    def put(self, record: Record) -> None:
        """Write the record as soon as the store takes it. Beyond the bound it is given up at once."""
        size = record.size
        if self._waiting_bytes + size > self._max_waiting_bytes:
            record.over.set_result(False)
            return self._tell(record, FULL)
        self._sizes[record] = size
        self._waiting_bytes += size
        self._finished += not record.is_open
        self._queue.append(record)
        if self._working < WRITERS:
            # Eagerly: a task that is cancelled before it begins would give up nothing.
            worker = asyncio.Task(self._work(), loop=asyncio.get_running_loop(), eager_start=True)
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return None

    def give_up(self, record: Record, reason: str) -> None:
        """Write the record no more. Of no effect where it is over."""
        if not record.over.done():
            self._end(record, is_written=False)
            self._tell(record, record.reason or reason)
            record.bodies = Bodies()

    def drop(self, record: Record) -> None:
        """Write the record no more, and tell nobody: a later record has all that it has."""
        self._end(record, is_written=False)

    async def drain(self, *, until_s: float | None, progress: Callable[[int], None]) -> int:
        """Wait until the records of finished calls are written; after `until_s` seconds the rest is given up.

        `until_s` None: wait without limit. `progress` is told how many are waiting, at first and after each change.
        Returns how many were given up. Where this is cancelled, the rest is given up too.
        """
        given_up = 0
        try:
            async with asyncio.timeout(until_s):
                while self.waiting:
                    progress(self.waiting)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            given_up = self.waiting
        finally:
            self.give_up_all(ENDING)
        return given_up

    def give_up_all(self, reason: str) -> None:
        """Write nothing more of what is waiting now."""
        for record in tuple(self._sizes):
            self.give_up(record, reason)

    async def _work(self) -> None:
        self._working += 1
        try:
            while self._queue:
                record = self._queue.popleft()
                if record.over.done() or await self._try(record):
                    continue
                self._queue.append(record)
                await asyncio.wait((record.over,), timeout=self._pause_s())
        except asyncio.CancelledError:
            self.give_up_all(ENDING)
            raise
        finally:
            self._working -= 1

    async def _try(self, record: Record) -> bool:
        """Write the record once; whether it is over."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._writers, self._call_store, record)
        except Exception as error:  # noqa: BLE001 - whatever it is, the record must not be lost
            self._failures += 1
            record.tries += 1
            record.reason = _reason(error)
            record.has_row = record.has_row or isinstance(error, BodiesUnwritten)
            if _is_final(error, record.tries):
                self.give_up(record, record.reason)
        else:
            self._failures = 0
            self._end(record, is_written=True)
        return record.over.done()

    def _call_store(self, record: Record) -> None:
        if record.content is not None:
            record.complete_trace()
            record.bodies, counts = record.content.bodies(record.bodies)
            record.trace, record.content = with_counts(record.trace, counts), None
        if record.is_open:
            self._store.open_trace(record.trace)
        else:
            self._store.complete_trace(record.trace, record.bodies)

    def _end(self, record: Record, *, is_written: bool) -> None:
        if record.over.done():
            return
        record.over.set_result(is_written)
        self._waiting_bytes -= self._sizes.pop(record)
        self._finished -= not record.is_open
        self._changed.set()
        if not self._sizes:
            self._failures = 0

    def _tell(self, record: Record, reason: str) -> None:
        if not record.is_open:
            self._on_given_up(record, reason)

    def _pause_s(self) -> float:
        """The pause after a failed try, with full jitter. It grows only where writes fail one after the other.

        So a store that fails some writes is not slowed down, and one that is away is asked about once a second.
        """
        in_a_row = min(self._failures, _MAX_DOUBLINGS)
        return self._random.uniform(0, min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** (in_a_row - 2))) if in_a_row > 1 else 0.0


def _is_final(error: Exception, tries: int) -> bool:
    if isinstance(error, StoreUnavailable):
        return isinstance(error, RowRefused) or isinstance(error.__cause__, RowRefused)
    return tries >= MAX_UNEXPECTED_TRIES


def _reason(error: Exception) -> str:
    """The store's own words; of any other error only its class and place, since its text may hold content."""
    if isinstance(error, StoreUnavailable):
        return str(error)[:MAX_REASON_CHARACTERS]
    frames = extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
