"""The aggregator's logs and metrics: a log line per settled call, and metrics per batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cost_aggregator.poison import PoisonMessage
from switchboard.domain.audit import DayAudit
from switchboard.domain.pricing import unpriced_model
from switchboard.domain.rates import usd
from switchboard.domain.trace import Trace

NAMESPACE = "Switchboard"
MAX_DIFFERENCES = 100
"""Of one audit that are logged one by one. Of all there is the number."""
_MILLISECOND = timedelta(milliseconds=1)


class Log(Protocol):
    """A structured logger: a named event with fields."""

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line."""

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line."""

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line."""


type Emit = Callable[[Mapping[str, tuple[str, Sequence[float]]]], None]
"""Emits metrics (name → unit, values) as one document."""


class Telemetry:
    """Logs and counts what is settled."""

    def __init__(self, log: Log, emit: Emit) -> None:
        self._log = log
        self._emit = emit

    def settled(self, traces: Sequence[Trace]) -> None:
        """Log traces that were settled, now or before: a line may be repeated, with the same content."""
        for trace in traces:
            self._log.info("call.settled", extra=_line(trace))

    def counted(self, fresh: Sequence[Trace], poisoned: int) -> None:
        """Emit a batch's metrics: `fresh` are the traces that it settled itself."""
        if not fresh and not poisoned:
            return
        unpriced = sum(trace.settlement is not None and trace.settlement.is_unpriced for trace in fresh)
        partly = sum(trace.settlement is not None and trace.settlement.is_partly_priced for trace in fresh)
        rare = {"Unpriced": unpriced, "PartlyPriced": partly, "Poisoned": poisoned}
        metrics: dict[str, tuple[str, Sequence[float]]] = {"Settled": ("Count", [len(fresh)])}
        # A metric is billed for the hours in which it is written: a count of none is not.
        metrics |= {name: ("Count", [count]) for name, count in rare.items() if count}
        if lags := [lag for trace in fresh if (lag := lag_ms(trace)) is not None]:
            metrics["Lag"] = ("Milliseconds", lags)
        self._emit(metrics)

    def poisoned(self, poison: PoisonMessage) -> None:
        """Log a trace that cannot be settled and was put in the poison queue."""
        record_id = poison.record_id
        self._log.error("trace.poisoned", extra={"pk": record_id.pk, "sk": record_id.sk, "reason": poison.reason})

    def deferred(self, records: int, reason: str) -> None:
        """Log that this many records must be delivered again."""
        self._log.warning("batch.deferred", extra={"records": records, "reason": reason})

    def cards_unpublished(self, reason: str) -> None:
        """Log that rate cards could not be written; the next batch tries again."""
        self._log.warning("rate_cards.unpublished", extra={"reason": reason})

    def repriced(self, calls: int, *, is_complete: bool) -> None:
        """Log how many waiting calls got a price; nothing if none did and all were tried."""
        if calls or not is_complete:
            self._log.info("reprice.done", extra={"repriced": calls, "is_complete": is_complete})
        if calls:
            self._emit({"Repriced": ("Count", [calls])})

    def reprice_deferred(self, reason: str) -> None:
        """Log that waiting calls could not be tried; the next sweep continues."""
        self._log.warning("reprice.deferred", extra={"reason": reason})

    def unrevised(self, trace: Trace, reason: str) -> None:
        """Log a call whose new settlement the store refused: it keeps the earlier one."""
        self._log.error("call.unrevised", extra={**_identity(trace), "reason": reason})

    def lost(self, trace: Trace) -> None:
        """Log a call that was open for too long."""
        self._log.warning("call.lost", extra=_identity(trace))

    def swept(self, lost: int, settled: int, *, is_complete: bool) -> None:
        """Log the end of a sweep; the next one continues an incomplete one.

        `settled`: finished calls that it settled, since the stream had not brought them.
        """
        self._log.info("sweep.done", extra={"lost": lost, "settled": settled, "is_complete": is_complete})
        if lost:
            self._emit({"Lost": ("Count", [lost])})

    def audited(self, found: DayAudit) -> None:
        """Log the audit of a day, with a line for each of the first differences."""
        for each in found.differences[:MAX_DIFFERENCES]:
            self._log.error("audit.difference", extra={"project": found.project, **asdict(each)})
        counts = {"calls": found.calls, "rows": found.rows, "unaudited": found.unaudited}
        self._log.info(
            "audit.done",
            extra={
                "project": found.project,
                "day": found.day.isoformat(),
                "outcome": found.outcome.value,
                **counts,
                "differences": len(found.differences),
            },
        )
        if found.differences:
            self._emit({"AuditDifferences": ("Count", [len(found.differences)])})

    def audit_deferred(self, reason: str) -> None:
        """Log that the audit could not go on; it continues after the next sweep."""
        self._log.warning("audit.deferred", extra={"reason": reason})


def lag_ms(trace: Trace) -> float | None:
    """From the call's end to its settlement; None if the end is unknown."""
    if trace.settlement is None or trace.duration_ms is None:
        return None
    return max(0.0, (trace.settlement.settled_at - trace.started_at) / _MILLISECOND - trace.duration_ms)


def utc_now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def _identity(trace: Trace) -> dict[str, object]:
    return {
        "trace_id": trace.trace_id,
        "project": trace.project,
        "task_id": trace.task_id,
        "environment": trace.environment,
        "provider": trace.provider,
        "model": trace.model,
        "status": trace.status.value,
    }


def _line(trace: Trace) -> dict[str, object]:
    settlement = trace.settlement
    cost = settlement.cost_pico_usd if settlement else None
    started_at = trace.started_at.astimezone(UTC)
    unpriced_provider, unpriced_model_name = unpriced_model(trace)
    return {
        **_identity(trace),
        "started_at": started_at.isoformat(),
        "hour": f"{started_at:%Y-%m-%dT%H}",  # the totals' hour, for queries: the line's own timestamp is later
        "cost_usd": None if cost is None else usd(cost),
        "cost_pico_usd": cost,
        "unpriced": cost is None,
        "unpriced_classes": list(settlement.unpriced_classes) if settlement else [],
        "unpriced_provider": unpriced_provider,
        "unpriced_model": unpriced_model_name,
        "price_id": settlement.price.entry_id or None if settlement and settlement.price else None,
        "revision": settlement.revision if settlement else None,
        "price_source": settlement.price.source if settlement and settlement.price else None,
        "usage_source": trace.usage.source.value,
        "lag_ms": None if settlement and settlement.revision else lag_ms(trace),
    }
