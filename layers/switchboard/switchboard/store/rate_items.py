"""Rate cards ⇄ rows, stored prices ⇄ attributes: `from_item(to_item(card)) == card`, and likewise for prices.

One query finds the card for a call: the last of `keyspace.rate_cards_of_model(provider, model)` whose sort key is at
or before `keyspace.rate_card_order(at)`, if it `is_valid_at(at)`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.domain.rates import Price, RateCard, Rates, Tier
from switchboard.store import keyspace
from switchboard.store.attributes import Item

KIND = "rates"


def to_item(card: RateCard) -> Item:
    """The row of a rate card; it never expires, since the prices of old calls may be looked up."""
    key = keyspace.rate_card(card.provider, card.model, card.valid_from)
    return {
        "pk": key.pk,
        "sk": key.sk,
        "kind": KIND,
        "provider": card.provider,
        "model": card.model,
        "source": card.source,
        "valid_from": _text(card.valid_from),
        "valid_until": None if card.valid_until is None else _text(card.valid_until),
        "rates": _rates_item(card.rates),
        "tiers": [{"above": tier.above, "rates": _rates_item(tier.rates)} for tier in card.tiers] or None,
    }


def from_item(item: Mapping[str, Any]) -> RateCard:
    """The rate card of a row. Raises KeyError or ValueError if it is not a rate card."""
    valid_until = item.get("valid_until")
    return RateCard(
        provider=item["provider"],
        model=item["model"],
        source=item["source"],
        valid_from=datetime.fromisoformat(item["valid_from"]),
        valid_until=None if valid_until is None else datetime.fromisoformat(valid_until),
        rates=_rates(item["rates"]),
        tiers=tuple(Tier(tier["above"], _rates(tier["rates"])) for tier in item.get("tiers") or ()),
    )


def price_item(price: Price) -> Item:
    """The attribute that stores a trace's price."""
    return {"source": price.source, "valid_from": _text(price.valid_from), "rates": _rates_item(price.rates)}


def read_price(item: Mapping[str, Any]) -> Price:
    """The price stored with a trace. Raises KeyError or ValueError if it is not a price."""
    return Price(item["source"], datetime.fromisoformat(item["valid_from"]), _rates(item["rates"]))


def _rates_item(rates: Rates) -> Item:
    return {
        "fresh_input": rates.fresh_input,
        "output": rates.output,
        "cache_read": rates.cache_read,
        "cache_write_5m": rates.cache_write_5m,
        "cache_write_1h": rates.cache_write_1h,
    }


def _rates(item: Mapping[str, Any]) -> Rates:
    return Rates(
        fresh_input=item["fresh_input"],
        output=item["output"],
        cache_read=item["cache_read"],
        cache_write_5m=item["cache_write_5m"],
        cache_write_1h=item["cache_write_1h"],
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
