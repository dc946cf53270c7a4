"""Settlement ⇄ the attributes it adds to a trace's row: `from_item(to_item(settlement)) == settlement`.

Names are short, since the row is billed by its size. The long names of rows of earlier versions are read too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from switchboard.domain.rates import Price
from switchboard.domain.settlement import AttemptCost, Correction, Settlement
from switchboard.store.attributes import Item, Value
from switchboard.store.moment_items import moment_number, moment_text, read_moment
from switchboard.store.rate_items import price_item, read_price

REVISION = "revision"
"""The attribute with the settlement's revision; a row without it has revision 0."""

EARLIER_NAMES = ("cost_pico_usd", "attempt_costs")
"""Attributes of rows of earlier versions, which a new settlement replaces."""


def to_item(settlement: Settlement) -> Item:
    """The attributes; None means unknown or nothing, and is left out of the row."""
    return {
        "settled_at": moment_text(settlement.settled_at),
        "cost": settlement.cost_pico_usd,
        "price": None if settlement.price is None else price_item(settlement.price),
        "costs": [_attempt_cost_item(cost) for cost in settlement.attempt_costs] or None,
        REVISION: settlement.revision or None,
        "unpriced_classes": settlement.unpriced_classes or None,
        "corrections": [_correction_item(each) for each in settlement.corrections] or None,
    }


def from_item(item: Mapping[str, Any]) -> Settlement | None:
    """The settlement of a trace's row, None if it is not settled. Raises KeyError or ValueError if it is invalid."""
    if "settled_at" not in item:
        return None
    return Settlement(
        settled_at=datetime.fromisoformat(item["settled_at"]),
        cost_pico_usd=item.get("cost", item.get("cost_pico_usd")),
        price=_price(item),
        attempt_costs=tuple(_attempt_cost(cost) for cost in item.get("costs") or item.get("attempt_costs") or ()),
        revision=item.get(REVISION) or 0,
        unpriced_classes=tuple(item.get("unpriced_classes") or ()),
        corrections=tuple(_correction(each) for each in item.get("corrections") or ()),
    )


def _attempt_cost_item(cost: AttemptCost) -> Item:
    values: dict[str, Value] = {
        "a": cost.attempt,
        "c": cost.cost_pico_usd,
        "price": None if cost.price is None else price_item(cost.price),
    }
    return {name: value for name, value in values.items() if value is not None}


def _attempt_cost(item: Mapping[str, Any]) -> AttemptCost:
    place = item["attempt"] if "attempt" in item else item["a"]
    return AttemptCost(place, item.get("c", item.get("cost_pico_usd")), _price(item))


def _correction_item(correction: Correction) -> Item:
    known = {} if correction.cost_pico_usd is None else {"c": correction.cost_pico_usd}
    return {**known, "why": correction.reason, "at": moment_number(correction.at)}


def _correction(item: Mapping[str, Any]) -> Correction:
    return Correction(item.get("c"), item["why"], read_moment(item["at"]))


def _price(item: Mapping[str, Any]) -> Price | None:
    price = item.get("price")
    return None if price is None else read_price(price)
