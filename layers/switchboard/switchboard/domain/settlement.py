"""A call's cost, as stored with its trace."""

from dataclasses import dataclass
from datetime import datetime

from switchboard.domain.rates import Price


@dataclass(frozen=True, slots=True)
class AttemptCost:
    """The cost of an attempt whose answer was not used. `attempt`: its index in the trace's attempts, from 0.

    `cost_pico_usd` and `price` as in a settlement.
    """

    attempt: int
    cost_pico_usd: int | None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A cost that a settlement had before: what it was, why and when it was changed (UTC)."""

    cost_pico_usd: int | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """A call's cost with all its attempts. `settled_at` in UTC; `revision` counts how often it was settled anew.

    `cost_pico_usd` is None if the call's tokens, or their price, are unknown; the call is then unpriced.
    `price` is what the call's own tokens were multiplied by: None if it is unknown, if no token was used, or if the
    provider reported the cost itself. `attempt_costs`: the costs of the other attempts that used tokens; they are
    included in `cost_pico_usd`, and if one of them is unknown, the whole call is unpriced.
    `unpriced_classes`: the token classes, of the call or of one of its attempts, without a price: what they cost is not
    in `cost_pico_usd`, and the call is partly priced. `corrections`: earlier costs, oldest first.
    """

    settled_at: datetime
    cost_pico_usd: int | None
    price: Price | None = None
    attempt_costs: tuple[AttemptCost, ...] = ()
    revision: int = 0
    unpriced_classes: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def is_unpriced(self) -> bool:
        """Whether the cost is unknown. A cost of 0 is known."""
        return self.cost_pico_usd is None

    @property
    def is_partly_priced(self) -> bool:
        """Whether the cost is known but for some token classes."""
        return self.cost_pico_usd is not None and bool(self.unpriced_classes)
