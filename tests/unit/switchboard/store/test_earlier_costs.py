"""Usage, prices, settlements and rate cards in the rows of earlier versions, which have long names."""

from datetime import UTC, datetime
from typing import Any

import pytest

from switchboard.domain.rates import ALWAYS, Price, RateCard, Rates, Tier
from switchboard.domain.settlement import AttemptCost, Settlement
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.store import rate_items
from switchboard.store.traces import settlement_items, usage_items
from testkit.samples import NOON

LONG_RATES = {"fresh_input": 3, "output": 15, "cache_read": 1, "cache_write_5m": 4, "cache_write_1h": 6}
LONG_PRICE = {"source": "overrides 2026-11-20", "valid_from": "1970-01-01T00:00:00+00:00", "rates": LONG_RATES}
RATES = Rates(3, 15, 1, 4, 6)
PRICE = Price("overrides 2026-11-20", ALWAYS, RATES)


@pytest.mark.parametrize(
    ("item", "usage"),
    [
        (
            {"source": "provider", "fresh_input": 212, "output": 87, "cache_read": 20480, "reasoning": 5},
            Usage(UsageSource.PROVIDER, Tokens(212, 87, cache_read=20480, reasoning=5)),
        ),
        (
            {"source": "estimated", "fresh_input": 0, "output": 0, "billed_pico_usd": 0},
            Usage(UsageSource.ESTIMATED, Tokens(0, 0), 0),
        ),
        ({"source": "provider", "fresh_input": -1, "output": 87}, ABSENT),
        (None, ABSENT),
    ],
)
def test_usage(item: dict[str, Any] | None, usage: Usage) -> None:
    assert usage_items.from_item(item) == usage


def test_a_price() -> None:
    assert rate_items.read_price(LONG_PRICE) == PRICE


def test_a_rate_card() -> None:
    row = {
        "provider": "anthropic",
        "model": "claude",
        "source": "overrides 2026-11-20",
        "valid_from": "2026-11-20T00:00:00+00:00",
        "rates": LONG_RATES,
        "tiers": [{"above": 200, "rates": LONG_RATES}],
    }
    since = datetime(2026, 11, 20, tzinfo=UTC)
    assert rate_items.from_item(row) == RateCard(
        "anthropic", "claude", RATES, since, "overrides 2026-11-20", (Tier(200, RATES),)
    )


def test_a_settlement() -> None:
    row = {
        "settled_at": "2026-11-20T12:00:00+00:00",
        "cost_pico_usd": 77,
        "price": LONG_PRICE,
        "attempt_costs": [{"attempt": 2, "cost_pico_usd": 5, "price": LONG_PRICE}, {"attempt": 3}],
    }
    beside = (AttemptCost(2, 5, PRICE), AttemptCost(3, None))
    assert settlement_items.from_item(row) == Settlement(NOON, 77, PRICE, beside)


@pytest.mark.parametrize("item", [{}, {"source": "?"}, {"s": "?"}, {"fresh_input": 1}])
def test_what_is_no_usage_or_price_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        usage_items.from_item(item)
    with pytest.raises(KeyError):
        rate_items.read_price(item)
