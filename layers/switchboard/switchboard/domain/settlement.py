"""What a call cost, as its trace keeps it."""

from dataclasses import dataclass
from datetime import datetime

from switchboard.domain.rates import Price


@dataclass(frozen=True, slots=True)
class AttemptCost:
    """What an attempt cost whose answer was not the call's. `attempt`: its place among the trace's attempts, from 0.

    `cost_pico_usd` and `price` as in a settlement.
    """

    attempt: int
    cost_pico_usd: int | None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A call's cost, found once, all its attempts together. `settled_at` in UTC.

    `cost_pico_usd` is None when nobody knows the price of the call's tokens, or its tokens; then it is unpriced.
    `price` is what the call's own tokens were multiplied with: None where nobody knows it, where no token was used, and
    where the provider told the cost itself. `attempt_costs`: of the attempts that used tokens beside the one that
    answered; they are in `cost_pico_usd`, and one of them without a known cost makes the whole call unpriced.
    """

    settled_at: datetime
    cost_pico_usd: int | None
    price: Price | None = None
    attempt_costs: tuple[AttemptCost, ...] = ()

    @property
    def is_unpriced(self) -> bool:
        """Whether the cost is unknown. A cost of 0 is known."""
        return self.cost_pico_usd is None
