"""Notes settled calls that wait for a price, so that they are found when there is one."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cost_aggregator.project_books import ProjectBooks
from switchboard.domain.repricing import awaited_models, repriced
from switchboard.domain.trace import Trace
from switchboard.store.prices.price_ports import UnpricedCalls


@dataclass(frozen=True, slots=True)
class WaitingRows:
    """SettledRows of calls without a price, or with a part without one."""

    books: ProjectBooks
    unpriced: UnpricedCalls
    now: Callable[[], datetime]

    def write(self, traces: Sequence[Trace]) -> None:
        """Note those of the calls that wait. One that has a price by now was settled at older prices."""
        waiting: dict[str | None, list[Trace]] = defaultdict(list)
        for trace in traces:
            if awaited_models(trace):
                book = self.books.of(trace.project)
                is_current = repriced(trace, book.card, self.now()) is None
                waiting[book.fingerprint if is_current else None].append(trace)
        for prices, calls in waiting.items():
            self.unpriced.wait(calls, prices)
