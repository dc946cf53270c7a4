"""Settlement ⇄ the attributes it adds to a trace's row: `from_item(to_item(settlement)) == settlement`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.attributes import Item
from switchboard.rate_items import price_item, read_price
from switchboard.settlement import Settlement


def to_item(settlement: Settlement) -> Item:
    """The attributes; one that is None is left out of the row, and says: unknown."""
    return {
        "settled_at": settlement.settled_at.astimezone(UTC).isoformat(),
        "cost_pico_usd": settlement.cost_pico_usd,
        "price": None if settlement.price is None else price_item(settlement.price),
    }


def from_item(item: Mapping[str, Any]) -> Settlement | None:
    """The settlement of a trace's row, None before there is one. Raises KeyError or ValueError for what is none."""
    if "settled_at" not in item:
        return None
    price = item.get("price")
    return Settlement(
        settled_at=datetime.fromisoformat(item["settled_at"]),
        cost_pico_usd=item.get("cost_pico_usd"),
        price=None if price is None else read_price(price),
    )
