"""The time to first token of each provider and call: drawn from a seed, and the same for every mode.

A run's values are the distribution's at evenly spaced ranks, in random order. Its p99 is therefore 4 s in every run and
not only on average, and two modes do not differ by chance.
"""

import math
from dataclasses import dataclass
from random import Random
from statistics import NormalDist

MEDIAN_MS = 400.0
P99_MS = 4000.0
_SIGMA = math.log(P99_MS / MEDIAN_MS) / NormalDist().inv_cdf(0.99)


@dataclass(frozen=True, slots=True)
class Plot:
    """The parameters of a run's draws: the number of calls, the share that is never answered, and a seed.

    Each provider hangs on different calls.
    """

    calls: int
    hang_share: float
    seed: int

    def first_tokens_ms(self, target: int) -> list[float | None]:
        """Each call's time to first token at that target; None if it hangs."""
        random = Random(f"{self.seed}/{target}")
        hangs = round(self.calls * self.hang_share)
        drawn: list[float | None] = [None] * hangs
        drawn += [_at((rank + 0.5) / (self.calls - hangs)) for rank in range(self.calls - hangs)]
        random.shuffle(drawn)
        return drawn

    def arrivals_s(self, calls_a_second: float) -> list[float]:
        """When each call starts, in seconds: independent callers (Poisson)."""
        random = Random(f"{self.seed}/arrivals")
        moments, moment = [], 0.0
        for _ in range(self.calls):
            moment += random.expovariate(calls_a_second)
            moments.append(moment)
        return moments


def _at(share: float) -> float:
    """The quantile of the log-normal distribution."""
    return MEDIAN_MS * math.exp(_SIGMA * NormalDist().inv_cdf(share))
