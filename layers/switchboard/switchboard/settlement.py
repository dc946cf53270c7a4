"""What a call cost, as its trace keeps it."""

from dataclasses import dataclass
from datetime import datetime

from switchboard.rates import Price


@dataclass(frozen=True, slots=True)
class Settlement:
    """A call's cost, found once. `settled_at` in UTC.

    `cost_pico_usd` is None when nobody knows the price of the call's tokens, or its tokens; then it is unpriced.
    `price` is what the tokens were multiplied with: None for an unpriced call, for one that used no token, and for one
    whose provider told its cost itself.
    """

    settled_at: datetime
    cost_pico_usd: int | None
    price: Price | None = None

    @property
    def is_unpriced(self) -> bool:
        """Whether the cost is unknown. A cost of 0 is known."""
        return self.cost_pico_usd is None
