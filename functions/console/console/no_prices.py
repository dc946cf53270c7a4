"""No prices: for a store whose calls are not priced."""

from collections.abc import Sequence

from console.prices import Prices
from console.reads import utc_now
from switchboard.domain.price_book import BookMark, BookPage
from switchboard.domain.rates import RateCard
from switchboard.store.prices.price_ports import PricesFull


class _NoPrices:
    """No price, and no place for one."""

    def project_prices(self, _project: str) -> tuple[RateCard, ...]:
        return ()

    def add_price(self, _project: str, _card: RateCard) -> None:
        raise PricesFull(0)

    def remove_price(self, _project: str, _entry_id: str) -> bool:
        return False

    def book_mark(self) -> BookMark | None:
        return None

    def book_page(
        self,
        providers: Sequence[str],  # noqa: ARG002 - the port's own names
        *,
        limit: int,  # noqa: ARG002
        model: str = "",  # noqa: ARG002
        cursor: str | None = None,  # noqa: ARG002
    ) -> BookPage:
        return BookPage((), None)

    def cards_of(self, _provider: str, _model: str) -> tuple[RateCard, ...]:
        return ()


NO_PRICES = Prices(_NoPrices(), _NoPrices(), utc_now)
