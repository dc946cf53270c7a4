"""Settles priced calls anew, when an operator says that their price was wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cost_aggregator.backoff import RemainingMs
from cost_aggregator.project_books import ProjectBook, ProjectBooks
from cost_aggregator.revising import Revising
from switchboard.domain.repricing import Revision, corrected, names_model
from switchboard.domain.trace import Trace


@dataclass(frozen=True, slots=True)
class Order:
    """Which calls to correct, and why: those that began in [since, until), of this model at this provider."""

    project: str
    provider: str
    model: str
    since: datetime
    until: datetime
    reason: str


@dataclass(slots=True)
class Sums:
    """Calls of the model, those of them whose cost changes, and what these cost before and after, in pico-dollars."""

    read: int = 0
    calls: int = 0
    changed: int = 0
    before_pico_usd: int = 0
    after_pico_usd: int = 0
    is_complete: bool = True

    def add(self, revision: Revision) -> None:
        """Count a call whose cost changes."""
        self.changed += 1
        before, after = revision.before.settlement, revision.after.settlement
        self.before_pico_usd += (before.cost_pico_usd or 0) if before else 0
        self.after_pico_usd += (after.cost_pico_usd or 0) if after else 0


class PeriodCalls(Protocol):
    """Reads every call of a period. Raises StoreUnavailable."""

    def calls(self, project: str, since: datetime, until: datetime) -> Iterator[tuple[Trace, ...]]:
        """The calls that began in [since, until), in parts, each read when it is asked for."""


@dataclass(frozen=True, slots=True)
class Correcting:
    """Looks at every call of the period, so that none is left out. Repeating it corrects only what is left over."""

    calls: PeriodCalls
    books: ProjectBooks
    revising: Revising
    now: Callable[[], datetime]

    def preview(self, order: Order) -> Iterator[Sums]:
        """What would change: the sums so far after each part; the last are of all."""
        sums, book = Sums(), self.books.of(order.project)
        for part in self.calls.calls(order.project, order.since, order.until):
            for trace in self._meant(part, order, sums):
                if (revision := self._revised(trace, order, book)) is not None:
                    sums.add(revision)
            yield sums

    def correct(self, order: Order, remaining_ms: RemainingMs) -> Iterator[Sums]:
        """Settle the calls anew: the sums so far after each part; the last are of all."""
        sums, book = Sums(), self.books.of(order.project)
        for part in self.calls.calls(order.project, order.since, order.until):
            meant = self._meant(part, order, sums)
            revised = self.revising.revise(meant, lambda trace: self._revised(trace, order, book), remaining_ms)
            for revision in revised.revisions:
                sums.add(revision)
            sums.is_complete &= revised.is_complete
            yield sums

    def _meant(self, part: tuple[Trace, ...], order: Order, sums: Sums) -> list[Trace]:
        meant = [trace for trace in part if names_model(trace, order.provider, order.model)]
        sums.read += len(part)
        sums.calls += len(meant)
        return meant

    def _revised(self, trace: Trace, order: Order, book: ProjectBook) -> Revision | None:
        return corrected(trace, book.card, order.provider, order.model, reason=order.reason, at=self.now())
