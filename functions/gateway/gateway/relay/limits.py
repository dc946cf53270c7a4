"""What is known and allowed across the calls of a process: the targets' health, and budgets for extra requests."""

from dataclasses import dataclass
from random import Random

from gateway.domain.attempt import Attempt
from gateway.domain.errors import UpstreamFailure
from gateway.relay.health import Health


class Budget:
    """Allows extra requests as a share of the calls, so that they cannot multiply a provider's trouble.

    Every call earns a share of an extra request; an extra request costs one. `percent`: extra requests per hundred
    calls. `most`: how many can be saved up. `first`: how many a new process may spend at once.
    """

    def __init__(self, *, percent: float, most: float, first: float) -> None:
        self._share = percent / 100
        self._most = most
        self._balance = first if percent > 0 else 0.0

    def earn(self) -> None:
        """Count a call."""
        self._balance = min(self._most, self._balance + self._share)

    def spend(self) -> bool:
        """Take one extra request; whether there was one to take."""
        # Twenty times 0.05 is not quite 1.
        if self._balance < 1 - 1e-9:
            return False
        self._balance -= 1
        return True

    def give_back(self) -> None:
        """Return an extra request that was not made."""
        self._balance = min(self._most, self._balance + 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """One for the life of the process.

    `hedges`: the budget for second requests in parallel to a slow one. `retries`: the budget for further attempts at a
    target that has failed the same call. `backoff_ms`: the longest pause before the first of these.
    """

    health: Health
    hedges: Budget
    retries: Budget
    random: Random
    backoff_ms: float

    def count_call(self) -> None:
        """Let a call earn its share of the budgets."""
        self.hedges.earn()
        self.retries.earn()

    def report_failure(self, attempt: Attempt, failure: UpstreamFailure) -> None:
        """Count a failed attempt against its target's health, where the target is to blame."""
        if failure.blames_target and attempt.take_blame():
            self.health.failed(attempt.target)

    def report_silence(self, attempt: Attempt) -> None:
        """Count an attempt without content in time against its target, unless only its caller was in a hurry."""
        if attempt.target.blames_silence and attempt.take_blame():
            self.health.failed(attempt.target)
