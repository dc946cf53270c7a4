"""What is known and allowed across the calls of a process: the targets' health, and budgets for extra requests."""

from dataclasses import dataclass
from random import Random

from gateway.domain.attempt import Attempt
from gateway.domain.errors import UpstreamFailure
from gateway.relay.health import Health


class Budget:
    """Each call adds a share of one extra request to the balance; an extra request takes one.

    `percent`: extra requests for every hundred calls. `max_balance`: how many can be saved up, so that quiet hours do
    not pay for a burst. `initial`: the balance of a new process.
    """

    def __init__(self, *, percent: float, max_balance: float, initial: float) -> None:
        self._share = percent / 100
        self._max_balance = max_balance
        self._balance = initial if percent > 0 else 0.0

    def earn(self) -> None:
        """Add one call's share."""
        self._balance = min(self._max_balance, self._balance + self._share)

    def spend(self) -> bool:
        """Take one extra request if the balance allows it; whether it did."""
        # The tolerance is for rounding: twenty times 0.05 is not quite 1.
        if self._balance < 1 - 1e-9:
            return False
        self._balance -= 1
        return True

    def give_back(self) -> None:
        """Put one back: the extra request was not sent."""
        self._balance = min(self._max_balance, self._balance + 1)


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
