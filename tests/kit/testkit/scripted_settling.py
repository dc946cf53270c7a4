"""A Settling whose ledger, prices and rows are scripted."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from cost_aggregator.backoff import Backoff
from cost_aggregator.settling import Settling
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import SettledTraces, Status, Trace
from switchboard.store.ports import WriteRefused
from testkit.samples import NOON, a_usual_usage, an_open_trace
from testkit.stream_events import Seen

CARD = RateCard("anthropic", "claude-sonnet-4-5", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")


class Book:
    """One price for every model, except an unknown one, and one whose lookup raises."""

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:  # noqa: ARG002 - one price for all
        if model == "broken":
            raise OverflowError("too long ago")
        return None if model == "unknown" else CARD


class Books:
    """The same prices for every project; the store of projects' own prices fails as scripted."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def of(self, project: str) -> Book:  # noqa: ARG002 - the same for all
        if self.errors:
            raise self.errors.pop(0)
        return Book()


class ScriptedLedger:
    """Settles each trace once, after raising the scripted errors."""

    def __init__(self, *errors: Exception, refuses: Sequence[Trace] = ()) -> None:
        self.kept: dict[str, Trace] = {}
        self.groups: list[int] = []
        self._errors = list(errors)
        self._refused = {trace.trace_id for trace in refuses}

    def settle(self, traces: Sequence[Trace]) -> SettledTraces:
        self.groups.append(len(traces))
        if self._errors:
            raise self._errors.pop(0)
        if any(trace.trace_id in self._refused for trace in traces):
            raise WriteRefused("Item size has exceeded the maximum allowed size")
        fresh = tuple(trace for trace in traces if trace.trace_id not in self.kept)
        earlier = tuple(self.kept[trace.trace_id] for trace in traces if trace.trace_id in self.kept)
        self.kept |= {trace.trace_id: trace for trace in fresh}
        return SettledTraces(fresh, earlier)


class ScriptedRows:
    """Rows beside the transaction: the calls they are written for, after raising the scripted errors."""

    def __init__(self, *errors: Exception) -> None:
        self.written: list[tuple[str, ...]] = []
        self._errors = list(errors)

    def write(self, traces: Sequence[Trace]) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.written.append(tuple(trace.trace_id for trace in traces))


class Hand:
    """A Settling with all its dependencies accessible."""

    def __init__(self, ledger: ScriptedLedger, *rows: ScriptedRows) -> None:
        self.ledger = ledger
        self.books = Books()
        self.seen = Seen()
        self.pauses: list[float] = []
        self.use_case = Settling(
            ledger,
            self.books,
            self.seen,
            Telemetry(self.seen, self.seen.emit),
            Backoff(self.pauses.append, Random(3)),
            lambda: NOON + timedelta(seconds=2),
            rows,
        )

    def settle(self, event: Any, remaining_ms: Callable[[], float] = lambda: 60_000) -> tuple[str, ...]:
        return self.use_case.settle(event["Records"], remaining_ms)


def finished(seconds: int = 0, **fields: Any) -> Trace:
    trace = an_open_trace(started_at=NOON + timedelta(seconds=seconds))
    return replace(trace, **{"status": Status.OK, "usage": a_usual_usage(), "duration_ms": 1500.0, **fields})


def number(place: int) -> str:
    return str(place).zfill(21)
