"""Waiting before another try: exponential, with full jitter, and never beyond the time that is left."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0
ONE_TRY_MS = 5000
"""What a try may take, time-outs and all; it is not begun with less."""

type RemainingMs = Callable[[], float]
"""How many milliseconds the invocation may still take."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses; `sleep` takes seconds."""

    sleep: Callable[[float], None]
    random: Random

    def has_time(self, remaining_ms: RemainingMs) -> bool:
        """Whether a try can be begun."""
        return remaining_ms() >= ONE_TRY_MS

    def pause(self, tries: int, remaining_ms: RemainingMs) -> bool:
        """Wait after that many tries; False, at once, when there would be no time for another one."""
        pause_s = self.random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(tries, 16)))
        if remaining_ms() < ONE_TRY_MS + pause_s * 1000:
            return False
        self.sleep(pause_s)
        return True
