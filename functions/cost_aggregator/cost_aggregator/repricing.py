"""Settles calls that wait for a price, once there is one: model by model, in parts, continued by the next run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.project_books import ProjectBook, ProjectBooks
from cost_aggregator.revising import Revising
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.repricing import Revision, awaited_models, repriced
from switchboard.domain.trace import Trace
from switchboard.domain.unpriced import Progress, UnpricedModel, WaitingCalls
from switchboard.store.ports import StoreUnavailable
from switchboard.store.prices.price_ports import UnpricedCalls


@dataclass(slots=True)
class Repriced:
    """How many calls got a price, what these cost in pico-dollars, and whether every waiting call was tried."""

    calls: int = 0
    pico_usd: int = 0
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Repricing:
    """Tries each waiting call once at the same prices."""

    books: ProjectBooks
    unpriced: UnpricedCalls
    revising: Revising
    telemetry: Telemetry
    backoff: Backoff
    now: Callable[[], datetime]

    def sweep(self, projects: Iterable[str], remaining_ms: RemainingMs) -> None:
        """Try the waiting calls, and log a failure: the next run continues. Unreadable rows stop only their project."""
        done = Repriced()
        for project in projects:
            try:
                if done.is_complete:
                    self._reprice_project(project, done, remaining_ms)
            except StoreUnavailable as unavailable:
                self.telemetry.reprice_deferred(str(unavailable))
                break
            except Exception as error:  # noqa: BLE001 - one project's rows must not keep the others waiting
                self.telemetry.reprice_deferred(f"{project}: {type(error).__name__}: {error}")
        self.telemetry.repriced(done.calls, is_complete=done.is_complete)

    def reprice(self, projects: Iterable[str], remaining_ms: RemainingMs) -> Repriced:
        """Try the waiting calls of the projects at today's prices, as far as there is time.

        Raises StoreUnavailable, and WriteRefused for rows that the store will never accept.
        """
        done = Repriced()
        for project in projects:
            if done.is_complete:
                self._reprice_project(project, done, remaining_ms)
        self.telemetry.repriced(done.calls, is_complete=done.is_complete)
        return done

    def _reprice_project(self, project: str, done: Repriced, remaining_ms: RemainingMs) -> None:
        if not self.backoff.has_time(remaining_ms):
            done.is_complete = False
            return
        book = self.books.of(project)
        for model, progress in self.unpriced.models(project):
            if done.is_complete and progress != Progress(book.fingerprint, None, is_done=True):
                self._reprice(model, progress, book, done, remaining_ms)

    def _reprice(
        self, model: UnpricedModel, progress: Progress, book: ProjectBook, done: Repriced, remaining_ms: RemainingMs
    ) -> None:
        prices, place = book.fingerprint, progress.place
        if progress.prices != prices or progress.is_done:
            self.unpriced.begin(model, prices)
            place = None
        for part in self.unpriced.calls(model, place):
            if not self.backoff.has_time(remaining_ms) or not self._try(model, part, book, done, remaining_ms):
                done.is_complete = False
                return
            self.unpriced.mark(model, prices, part.place)
        self.unpriced.end(model, prices)

    def _try(
        self, model: UnpricedModel, part: WaitingCalls, book: ProjectBook, done: Repriced, remaining_ms: RemainingMs
    ) -> bool:
        """Whether nothing of the part is left over."""

        def revise(trace: Trace) -> Revision | None:
            return repriced(trace, book.card, self.now())

        # A call that a sweep has found has its row before it is settled.
        kept = [trace for trace in part.traces if trace.settlement is None or _waits_for(trace, model)]
        self.revising.repeat([trace for trace in part.traces if trace not in kept])
        self.unpriced.forget(model, set(part.trace_ids) - {trace.trace_id for trace in kept})
        revised = self.revising.revise(kept, revise, remaining_ms)
        done.calls += len(revised.revisions)
        done.pico_usd += sum(revision.cost_difference for revision in revised.revisions)
        return revised.is_complete


def _waits_for(trace: Trace, model: UnpricedModel) -> bool:
    return (model.provider, model.model) in awaited_models(trace)
