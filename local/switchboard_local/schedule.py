"""Lambda's schedule on this machine: invokes the aggregator's sweep, beside the aggregator that reads the stream."""

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from switchboard_local.event_source import INVOCATION_MS, Handle

SWEEP_EVERY_S = 300.0
LAST_SWEEP_S = 2.0
SCHEDULED_EVENT = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


class Schedule:
    """Sends the scheduled event in its own thread while a `with` block runs, at once and then at its interval.

    `handle` is called by this thread alone, so it needs an aggregator of its own: as on Lambda, a sweep that takes long
    (the first one publishes the price book) delays no call. `show` prints a line on the terminal if a sweep fails.
    """

    def __init__(self, handle: Handle, show: Callable[[str], None]) -> None:
        self._handle = handle
        self._show = show
        self._stopping = threading.Event()
        self._stop_by = math.inf
        self._thread = threading.Thread(target=self._run, name="schedule")
        self._has_failed = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop_by = time.monotonic()  # a sweep has no time left; the next one continues it
        self._stopping.set()
        self._thread.join(LAST_SWEEP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._sweep()
            self._stopping.wait(SWEEP_EVERY_S)

    def _sweep(self) -> None:
        ends_at = time.monotonic() + INVOCATION_MS / 1000
        try:
            self._handle(SCHEDULED_EVENT, lambda: (min(ends_at, self._stop_by) - time.monotonic()) * 1000)
        except Exception as error:  # noqa: BLE001 - the next sweep continues, whatever it is
            if not self._has_failed and not self._stopping.is_set():
                self._show(f"  The aggregator will sweep again after {type(error).__name__}: {error}")
            self._has_failed = True
        else:
            self._has_failed = False
