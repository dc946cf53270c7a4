"""The published price book: every price that models had when it was written, one rate card each."""

from dataclasses import dataclass
from datetime import datetime

from switchboard.domain.rates import RateCard


@dataclass(frozen=True, slots=True)
class BookMark:
    """Which book is published. `version` names library and overrides; `providers` in the book's order.

    `cards`: how many rate cards it has. `published_at` in UTC.
    """

    version: str
    providers: tuple[str, ...]
    cards: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class BookPage:
    """Rate cards, and the cursor that continues after them (None at the end)."""

    cards: tuple[RateCard, ...]
    next_cursor: str | None
