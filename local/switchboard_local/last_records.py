"""Waits at the end for the records of finished calls, and says which the database has not taken."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

CALLS_S = 3.0
"""For calls that were cancelled: each still has to tell its caller and to end its trace."""
LONGEST_S = 60.0
STALLED_S = 4.0
"""A database that has taken nothing for so long is not waited for."""
HURRIED_S = 2.0
"""For records, where a second signal has already cancelled the calls in progress."""
SAID_AGAIN_S = 5.0


class Records(Protocol):
    """The gateway's recorder."""

    @property
    def waiting(self) -> int:
        """How many finished calls are not yet written."""

    async def drain(self, *, until_s: float | None, progress: Callable[[int], None]) -> int:
        """Wait for them; what is left after `until_s`, or at a cancellation, is logged. Returns how many were left."""


@dataclass(frozen=True, slots=True)
class LastRecords:
    """What is still to be written when the server has stopped. `show` prints a line; `log` has what is dropped.

    `before` is called before anything is dropped.
    """

    records: Records
    show: Callable[[str], None]
    log: Path
    before: Callable[[], None] = lambda: None

    async def write(self, calls: "Collection[asyncio.Task[None]]", hurry: asyncio.Event) -> None:
        """Wait until the calls have ended and their records are written, or until nothing more comes of it.

        `hurry` is set by a second signal: if it is set already there is little time, if it is set now there is none.
        """
        self.before()
        until_s = HURRIED_S if hurry.is_set() else LONGEST_S
        hurry.clear()
        progress = _Progress(self.records.waiting)
        if calls:
            await asyncio.wait(calls, timeout=CALLS_S)
        if waiting := self.records.waiting:
            self.show(f"  Writing {_traces(waiting)} … (Ctrl-C again drops them)")
        dropped = await self._drain(until_s, progress, hurry)
        if dropped:
            self.show(
                f"  {_traces(dropped)} could not be written. Each is a line `trace.unwritten` in {self.log}, "
                "from which `switchboard traces restore` writes it, without its bodies."
            )
        elif waiting:
            self.show("  All traces are written.")

    async def _drain(self, until_s: float, progress: "_Progress", hurry: asyncio.Event) -> int:
        """How many were dropped."""
        draining = asyncio.create_task(self.records.drain(until_s=until_s, progress=progress.note))
        hurried = asyncio.create_task(hurry.wait())
        try:
            while not draining.done():
                await asyncio.wait(
                    (draining, hurried),
                    timeout=min(SAID_AGAIN_S, progress.patience_s),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if hurried.done() or progress.patience_s <= 0:
                    return await self._drop(draining)
                if not draining.done():
                    self.show(f"  {_traces(self.records.waiting)} left …")
            return await draining
        finally:
            hurried.cancel()

    async def _drop(self, draining: "asyncio.Task[int]") -> int:
        if draining.done():
            return await draining
        left = self.records.waiting
        draining.cancel()
        with suppress(asyncio.CancelledError):
            await draining
        return left


@dataclass(slots=True)
class _Progress:
    """When the database last took a record."""

    least: int
    at: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    def note(self, waiting: int) -> None:
        if waiting < self.least:
            self.at = asyncio.get_running_loop().time()
        self.least = waiting

    @property
    def patience_s(self) -> float:
        """How much longer a record may take."""
        return self.at + STALLED_S - asyncio.get_running_loop().time()


def _traces(count: int) -> str:
    return "1 trace" if count == 1 else f"{count} traces"
