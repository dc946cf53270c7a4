"""The interfaces for prices: a project's own, the published book, and calls that wait for a price or get another.

As in `ports`: all methods block, and all raise StoreUnavailable.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from switchboard.domain.price_book import BookMark, BookPage
from switchboard.domain.rates import RateCard
from switchboard.domain.repricing import Revision
from switchboard.domain.trace import SettledTraces, Trace
from switchboard.domain.unpriced import Progress, UnpricedModel, WaitingCalls


class PricesFull(Exception):
    """The project already has as many prices as are allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The project has {most} prices, which is the most allowed. Remove those that ended long ago.")


class PriceExists(Exception):
    """The project already has another price of this model from the same time on."""

    def __init__(self, provider: str, model: str, valid_from: datetime) -> None:
        super().__init__(
            f"There is another price of {provider} {model} from {valid_from.isoformat()}. Remove it, or add one from a "
            "later time."
        )


class PriceStore(Protocol):
    """Stores the prices that projects have for themselves. A price is a rate card whose `entry_id` is its id."""

    def project_prices(self, project: str) -> tuple[RateCard, ...]:
        """Every price of the project, by provider, model and start."""

    def add_price(self, project: str, card: RateCard) -> None:
        """Store the price; repeating it has no effect. Raises PriceExists, or PricesFull beyond `MAX_PRICES`.

        Concurrent writes can exceed the limit by a few prices.
        """

    def remove_price(self, project: str, entry_id: str) -> bool:
        """Delete the price with that id; returns whether there was one."""


class BookReader(Protocol):
    """Reads the published price book."""

    def book_mark(self) -> BookMark | None:
        """Which book is published; None if none is."""

    def book_page(
        self, providers: Sequence[str], *, limit: int, model: str = "", cursor: str | None = None
    ) -> BookPage:
        """Rate cards of these providers, in this order, then by model and start; of one model if it is given.

        Raises ValueError for an invalid cursor.
        """

    def cards_of(self, provider: str, model: str) -> tuple[RateCard, ...]:
        """Every published card of the model, oldest first, also of earlier books."""


class RevisingLedger(Protocol):
    """Settles settled calls anew: each once, however often it is requested. Also raises StoreBusy and WriteRefused."""

    def revise(self, revisions: Sequence[Revision]) -> SettledTraces:
        """Store each call's new settlement and add the difference to the totals, atomically.

        The revisions fit one transaction. `fresh`: calls whose stored settlement was the one before, which is now
        replaced; `earlier`: calls that have another one, as stored. Deleted calls are in neither.
        """


class UnpricedCalls(Protocol):
    """Finds the calls that wait for a price, by project, provider and model. Also raises StoreBusy and WriteRefused.

    Prices are told by a fingerprint. Calls are tried at it from `begin` to `end`, with `mark` in between.
    """

    def wait(self, traces: Iterable[Trace], prices: str | None) -> None:
        """Note those of the settled calls that wait for a price; idempotent.

        `prices`: at which they are known to have none; None if that is not certain.
        """

    def models(self, project: str) -> Iterator[tuple[UnpricedModel, Progress]]:
        """The models that calls of the project wait for, and how far these were tried."""

    def begin(self, model: UnpricedModel, prices: str) -> None:
        """Note that the model's calls are being tried at these prices, from the first."""

    def mark(self, model: UnpricedModel, prices: str, place: str) -> None:
        """Note that the calls up to the place were tried, unless they count as untried meanwhile."""

    def end(self, model: UnpricedModel, prices: str) -> None:
        """Note that all calls were tried, unless they count as untried meanwhile."""

    def calls(self, model: UnpricedModel, place: str | None) -> Iterator[WaitingCalls]:
        """The model's waiting calls after the place, or all, in parts; each part is read when it is asked for."""

    def forget(self, model: UnpricedModel, trace_ids: Iterable[str]) -> None:
        """Delete the rows of calls that do not wait for the model; those that are gone already do not matter."""
