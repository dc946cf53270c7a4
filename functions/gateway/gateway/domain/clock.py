"""Time, injected: nothing else in the gateway asks what time it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """`now`: the time of day in UTC. `monotonic`: seconds that never step back, for durations."""

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.perf_counter

    def milliseconds_since(self, start: float) -> float:
        """How long ago the monotonic moment `start` was, in milliseconds with three decimals."""
        return round((self.monotonic() - start) * 1000, 3)
