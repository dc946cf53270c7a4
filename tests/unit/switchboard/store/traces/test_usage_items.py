"""Usage as an attribute: short, and refused where its counts cannot be."""

from typing import Any

import pytest

from switchboard.domain.limits import MAX_TOKENS
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.store.traces import usage_items


def test_what_is_zero_or_not_told_takes_no_space() -> None:
    usage = Usage(UsageSource.PROVIDER, Tokens(212, 87, cache_read=20480), service_tier="flex")
    assert usage_items.to_item(usage) == {"s": "p", "i": 212, "o": 87, "r": 20480, "g": "flex"}
    assert usage_items.to_item(Usage(UsageSource.ESTIMATED, Tokens(0, 0), 0)) == {"s": "e", "b": 0}
    assert usage_items.to_item(ABSENT) is None


@pytest.mark.parametrize("count", [-1, 0.5, True, MAX_TOKENS + 1, "7"])
@pytest.mark.parametrize("name", ["i", "o", "r", "t", "ai", "mo", "n"])
def test_a_count_that_cannot_be_is_no_usage(name: str, count: object) -> None:
    item: dict[str, Any] = {"s": "p", "i": 1, "o": 1, name: count}
    assert usage_items.from_item(item) == ABSENT
