"""Settlement ⇄ the attributes it adds to a trace's row: `from_item(to_item(settlement)) == settlement`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.domain.rates import Price
from switchboard.domain.settlement import AttemptCost, Settlement
from switchboard.store.attributes import Item, Value
from switchboard.store.rate_items import price_item, read_price


def to_item(settlement: Settlement) -> Item:
    """The attributes; None means unknown, and is left out of the row."""
    return {
        "settled_at": settlement.settled_at.astimezone(UTC).isoformat(),
        "cost_pico_usd": settlement.cost_pico_usd,
        "price": None if settlement.price is None else price_item(settlement.price),
        "attempt_costs": [_attempt_cost_item(cost) for cost in settlement.attempt_costs] or None,
    }


def from_item(item: Mapping[str, Any]) -> Settlement | None:
    """The settlement of a trace's row, None if it is not settled. Raises KeyError or ValueError if it is invalid."""
    if "settled_at" not in item:
        return None
    return Settlement(
        settled_at=datetime.fromisoformat(item["settled_at"]),
        cost_pico_usd=item.get("cost_pico_usd"),
        price=_price(item),
        attempt_costs=tuple(
            AttemptCost(cost["attempt"], cost.get("cost_pico_usd"), _price(cost))
            for cost in item.get("attempt_costs") or ()
        ),
    )


def _attempt_cost_item(cost: AttemptCost) -> Item:
    values: dict[str, Value] = {
        "attempt": cost.attempt,
        "cost_pico_usd": cost.cost_pico_usd,
        "price": None if cost.price is None else price_item(cost.price),
    }
    return {name: value for name, value in values.items() if value is not None}


def _price(item: Mapping[str, Any]) -> Price | None:
    price = item.get("price")
    return None if price is None else read_price(price)
