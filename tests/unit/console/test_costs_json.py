from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from console.costs_json import costs_json, settlement_json, tasks_json
from console.costs_query import CostsQuery
from console.trace_json import entry_json
from switchboard.domain.rates import ALWAYS, Price, Rates
from switchboard.domain.settlement import Correction, Settlement
from switchboard.domain.totals import Granularity, Period, PeriodTotals, Span, TaskTotals, Totals
from testkit.samples import NOON, an_open_trace

RATES = Rates(fresh_input=3_000_000, output=15_000_000, cache_read=300_000, cache_write_5m=3_750_000, cache_write_1h=1)
COUNTED = Totals(
    calls=4,
    errors=1,
    unpriced_calls=2,
    partly_priced_calls=3,
    estimated_calls=1,
    cost_pico_usd=1_500_000_000_001,
    fresh_input=1000,
    cache_read=200,
    cache_write_5m=30,
    cache_write_1h=4,
    output=50,
    reasoning=7,
)
COUNTERS = {
    "calls": 4,
    "errors": 1,
    "cost_usd": "1.500000000001",
    "unpriced_calls": 2,
    "partly_priced_calls": 3,
    "estimated_calls": 1,
    "prompt_tokens": 1234,
    "completion_tokens": 50,
    "cache_read_tokens": 200,
}


def day(number: int, month: int = 11) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def test_an_unsettled_call_has_null_costs() -> None:
    assert set(settlement_json(None)) == set(settlement_json(Settlement(NOON, 0)))
    assert set(settlement_json(None).values()) == {None}


def test_a_settled_call_has_its_cost_and_price() -> None:
    price = Price("overrides 2026-11-20", day(20), RATES, "anthropic/claude", region="us")
    settled = settlement_json(Settlement(NOON, 8_085_000_001, price))
    assert settled == {
        "cost_usd": "0.008085000001",
        "unpriced": False,
        "partly_priced": False,
        "unpriced_classes": [],
        "price": {
            "source": "overrides 2026-11-20",
            "id": "anthropic/claude",
            "valid_from": "2026-11-20T00:00:00.000Z",
            "service_tier": None,
            "region": "us",
            "speed": None,
            "usd_per_search": None,
            "usd_per_million": {
                "fresh_input": "3",
                "cache_read": "0.3",
                "cache_write_5m": "3.75",
                "cache_write_1h": "0.000001",
                "output": "15",
            },
        },
        "settled_at": "2026-11-20T12:00:00.000Z",
        "revision": 0,
        "corrections": [],
    }
    assert settlement_json(Settlement(NOON, 0, Price("x", ALWAYS, RATES)))["cost_usd"] == "0"


def test_a_partly_priced_call_names_its_classes() -> None:
    settled = settlement_json(Settlement(NOON, 5, unpriced_classes=("audio_input",)))
    assert (settled["cost_usd"], settled["unpriced"]) == ("0.000000000005", False)
    assert (settled["partly_priced"], settled["unpriced_classes"]) == (True, ["audio_input"])


def test_only_classes_with_a_price_are_shown() -> None:
    price = Price("x", ALWAYS, Rates(3_000_000, 15_000_000, audio_input=32_000_000, searches=10**10))
    shown = cast("Any", settlement_json(Settlement(NOON, 0, price))["price"])
    assert shown["usd_per_million"] == {"fresh_input": "3", "output": "15", "audio_input": "32"}
    assert shown["usd_per_search"] == "0.01"


def test_corrections_show_the_earlier_costs() -> None:
    corrections = (Correction(None, "the price was unknown", NOON), Correction(7, "a wrong price", day(21)))
    settled = settlement_json(Settlement(NOON, 5, revision=2, corrections=corrections))
    assert settled["revision"] == 2
    assert settled["corrections"] == [
        {"cost_usd": None, "reason": "the price was unknown", "at": "2026-11-20T12:00:00.000Z"},
        {"cost_usd": "0.000000000007", "reason": "a wrong price", "at": "2026-11-21T00:00:00.000Z"},
    ]


def test_an_unpriced_call_has_a_null_cost() -> None:
    settled = settlement_json(Settlement(NOON, None))
    assert (settled["cost_usd"], settled["unpriced"], settled["price"]) == (None, True, None)


def test_a_call_without_tokens_costs_0_and_is_priced() -> None:
    settled = settlement_json(Settlement(NOON, 0))
    assert (settled["cost_usd"], settled["unpriced"], settled["price"]) == ("0", False, None)


def test_lists_include_costs() -> None:
    trace = replace(an_open_trace(), settlement=Settlement(NOON, 12_000_000_000_000))
    assert entry_json(trace)["cost_usd"] == "12"


def test_a_task_has_exactly_these_fields() -> None:
    task = TaskTotals("a/b #1", COUNTED, Span(NOON, day(21)))
    assert tasks_json((task,)) == {
        "tasks": [
            {
                "task_id": "a/b #1",
                **COUNTERS,
                "first_seen": "2026-11-20T12:00:00.000Z",
                "last_seen": "2026-11-21T00:00:00.000Z",
            }
        ]
    }


def test_tasks_are_sorted_by_cost_then_by_last_call() -> None:
    def task(name: str, cost_pico_usd: int, last: datetime) -> TaskTotals:
        return TaskTotals(name, Totals(calls=1, cost_pico_usd=cost_pico_usd), Span(NOON, last))

    tasks = (
        task("free", 0, day(21)),
        task("dear", 2, NOON),
        task("cheap", 1, day(24)),
        task("free, later", 0, day(23)),
    )
    shown = tasks_json(tasks)["tasks"]
    assert isinstance(shown, list)
    assert [task["task_id"] for task in shown] == ["dear", "cheap", "free, later", "free"]


def test_costs_have_exactly_these_fields() -> None:
    query = CostsQuery(day(20), day(22), Granularity.DAY)
    assert costs_json("a/b", query, PeriodTotals.of((Period(day(21), COUNTED),))) == {
        "task_id": "a/b",
        "from": "2026-11-20T00:00:00.000Z",
        "to": "2026-11-22T00:00:00.000Z",
        "granularity": "day",
        "total": COUNTERS,
        "periods": [{"start": "2026-11-21T00:00:00.000Z", "end": "2026-11-22T00:00:00.000Z", **COUNTERS}],
    }


def test_a_partial_month_has_the_counted_start_and_end() -> None:
    query = CostsQuery(day(15, month=10), day(10, month=12), Granularity.MONTH)
    months = tuple(Period(day(1, month=month), COUNTED) for month in (10, 11, 12))
    shown = costs_json("a", query, PeriodTotals.of(months))["periods"]
    assert isinstance(shown, list)
    assert [(period["start"][:10], period["end"][:10]) for period in shown] == [
        ("2026-10-15", "2026-11-01"),
        ("2026-11-01", "2026-12-01"),
        ("2026-12-01", "2026-12-10"),
    ]


def test_an_hour_ends_an_hour_later() -> None:
    query = CostsQuery(NOON, day(21), Granularity.HOUR)
    shown = costs_json("a", query, PeriodTotals.of((Period(NOON, COUNTED),)))["periods"]
    assert isinstance(shown, list)
    assert shown[0]["end"] == "2026-11-20T13:00:00.000Z"
