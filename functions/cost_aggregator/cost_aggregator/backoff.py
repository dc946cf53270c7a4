"""Exponential backoff with full jitter, within the time that is left."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0
ONE_TRY_MS = 5000
"""The longest that a try can take, including timeouts; with less time left, none is started."""

type RemainingMs = Callable[[], float]
"""Returns the milliseconds left for the invocation."""


def part_of(remaining_ms: RemainingMs, part: float) -> RemainingMs:
    """What is left until that part of the present rest is used: one step of an invocation leaves time to the others."""
    kept_ms = remaining_ms() * (1 - part)
    return lambda: remaining_ms() - kept_ms


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between tries. `sleep` takes seconds."""

    sleep: Callable[[float], None]
    random: Random

    def has_time(self, remaining_ms: RemainingMs) -> bool:
        """Whether there is time for a try."""
        return remaining_ms() >= ONE_TRY_MS

    def pause(self, tries: int, remaining_ms: RemainingMs) -> bool:
        """Wait after this many tries; returns False without waiting if there would be no time for another."""
        pause_s = self.random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(tries, 16)))
        if remaining_ms() < ONE_TRY_MS + pause_s * 1000:
            return False
        self.sleep(pause_s)
        return True
