"""The injected clock: no other module of the gateway reads the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """`now`: the time of day in UTC. `monotonic`: seconds that never go back, for durations."""

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.perf_counter

    def moment(self) -> tuple[float, float]:
        """The current moment, for `age_s`."""
        return self.monotonic(), self.now().timestamp()

    def age_s(self, moment: tuple[float, float]) -> float:
        """Seconds since a moment, by the clock that shows more: monotonic time stands still while a sandbox sleeps."""
        return max(self.monotonic() - moment[0], self.now().timestamp() - moment[1])

    def milliseconds_since(self, start: float) -> float:
        """Milliseconds since the monotonic moment `start`, with three decimals."""
        return round((self.monotonic() - start) * 1000, 3)
