"""How long each provider takes to its first word, call by call: drawn once from a seed, the same for every way to call.

The values of a run are those of the distribution at evenly spaced ranks, in an order drawn by lot: its p99 is then
4 s in every run, not only on average, and two ways differ by what they do and not by their luck.
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
    """What a run's draws follow from: the number of calls, the share of them that is never answered, and a seed.

    Each provider hangs on calls of its own choice.
    """

    calls: int
    hang_share: float
    seed: int

    def first_words_ms(self, target: int) -> list[float | None]:
        """Each call's time to first token at that target; None: never."""
        random = Random(f"{self.seed}/{target}")
        hangs = round(self.calls * self.hang_share)
        drawn: list[float | None] = [None] * hangs
        drawn += [_at((rank + 0.5) / (self.calls - hangs)) for rank in range(self.calls - hangs)]
        random.shuffle(drawn)
        return drawn

    def arrivals_s(self, calls_a_second: float) -> list[float]:
        """When each call comes, in seconds from the start: callers who know nothing of each other (Poisson)."""
        random = Random(f"{self.seed}/arrivals")
        moments, moment = [], 0.0
        for _ in range(self.calls):
            moment += random.expovariate(calls_a_second)
            moments.append(moment)
        return moments


def _at(share: float) -> float:
    """The time that this share of the log-normal's values lies below."""
    return MEDIAN_MS * math.exp(_SIGMA * NormalDist().inv_cdf(share))
