"""Costs in the API's JSON format: money as exact decimal strings of USD. The field names are a public contract."""

from datetime import datetime, timedelta
from typing import cast

from console.cost_shapes import (
    AttemptCostJson,
    CountersJson,
    PriceJson,
    RatesJson,
    SettlementJson,
    TaskCostsJson,
    TaskJson,
    TasksJson,
)
from console.costs_query import CostsQuery
from console.moments import iso_utc
from switchboard.domain.rates import PRICED_CLASSES, Price, usd
from switchboard.domain.settlement import Settlement
from switchboard.domain.totals import Granularity, PeriodTotals, TaskTotals, Totals

_TOKENS_PER_RATE = 10**6
_SEARCHES = "searches"
_TOKEN_CLASSES = tuple(name for name in PRICED_CLASSES if name != _SEARCHES)
_UNSETTLED: SettlementJson = {
    "cost_usd": None,
    "unpriced": None,
    "partly_priced": None,
    "unpriced_classes": None,
    "price": None,
    "settled_at": None,
    "revision": None,
    "corrections": None,
}


def settlement_json(settlement: Settlement | None) -> SettlementJson:
    """The cost of a call. Every field is null until it is settled; an unknown cost stays null, and is never 0."""
    if settlement is None:
        return _UNSETTLED.copy()
    return {
        "cost_usd": _usd(settlement.cost_pico_usd),
        "unpriced": settlement.is_unpriced,
        "partly_priced": settlement.is_partly_priced,
        "unpriced_classes": list(settlement.unpriced_classes),
        "price": _price(settlement.price),
        "settled_at": iso_utc(settlement.settled_at),
        "revision": settlement.revision,
        "corrections": [
            {"cost_usd": _usd(each.cost_pico_usd), "reason": each.reason, "at": iso_utc(each.at)}
            for each in settlement.corrections
        ],
    }


def attempt_cost_json(settlement: Settlement | None, place: int) -> AttemptCostJson:
    """The cost of an attempt whose answer was not used; null for any other attempt, until settled, and if unknown."""
    costs = settlement.attempt_costs if settlement else ()
    found = next((cost for cost in costs if cost.attempt == place), None)
    if found is None or found.cost_pico_usd is None:
        return {"cost_usd": None, "price": None}
    return {"cost_usd": usd(found.cost_pico_usd), "price": _price(found.price)}


def tasks_json(tasks: tuple[TaskTotals, ...]) -> TasksJson:
    """A project's tasks, the most expensive first; at equal cost, the one called last."""
    ranked = sorted(tasks, key=lambda task: (task.totals.cost_pico_usd, task.seen.last), reverse=True)
    return {"tasks": [_task(task) for task in ranked]}


def costs_json(task_id: str, query: CostsQuery, found: PeriodTotals) -> TaskCostsJson:
    """A task's costs: in total, and by period, oldest first; periods without calls are left out."""
    return {
        "task_id": task_id,
        "from": iso_utc(query.since),
        "to": iso_utc(query.until),
        "granularity": query.granularity,
        "total": _counters(found.total),
        "periods": [
            {
                # A month may be only partly in the range: the start and end are of the part that was counted.
                "start": iso_utc(max(period.start, query.since)),
                "end": iso_utc(min(_end_of(period.start, query.granularity), query.until)),
                **_counters(period.totals),
            }
            for period in found.periods
        ],
    }


def _price(price: Price | None) -> PriceJson | None:
    if price is None:
        return None
    rates = {name: rate for name in PRICED_CLASSES if (rate := getattr(price.rates, name)) is not None}
    return {
        "source": price.source,
        "id": price.entry_id or None,
        "valid_from": iso_utc(price.valid_from),
        "service_tier": price.service_tier,
        "region": price.region,
        "speed": price.speed,
        "usd_per_million": cast(
            "RatesJson", {name: usd(rates[name] * _TOKENS_PER_RATE) for name in _TOKEN_CLASSES if name in rates}
        ),
        "usd_per_search": _usd(rates.get(_SEARCHES)),
    }


def _usd(pico_usd: int | None) -> str | None:
    return None if pico_usd is None else usd(pico_usd)


def _task(task: TaskTotals) -> TaskJson:
    return {
        "task_id": task.task_id,
        **_counters(task.totals),
        "first_seen": iso_utc(task.seen.first),
        "last_seen": iso_utc(task.seen.last),
    }


def _counters(totals: Totals) -> CountersJson:
    return {
        "calls": totals.calls,
        "errors": totals.errors,
        "cost_usd": usd(totals.cost_pico_usd),
        "unpriced_calls": totals.unpriced_calls,
        "partly_priced_calls": totals.partly_priced_calls,
        "estimated_calls": totals.estimated_calls,
        "prompt_tokens": totals.prompt_tokens,
        "completion_tokens": totals.completion_tokens,
        "cache_read_tokens": totals.cache_read,
    }


def _end_of(start: datetime, granularity: Granularity) -> datetime:
    match granularity:
        case Granularity.HOUR:
            return start + timedelta(hours=1)
        case Granularity.DAY:
            return start + timedelta(days=1)
        case Granularity.MONTH:
            return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
