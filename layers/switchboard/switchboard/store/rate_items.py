"""Rate cards ⇄ rows, stored prices ⇄ attributes: `from_item(to_item(card)) == card`, and likewise for prices.

One query finds the card for a call: the last of `keyspace.rate_cards_of_model(provider, model)` whose sort key is at
or before `keyspace.rate_card_order(at)`, if it `is_valid_at(at)`. Names within rates and prices are short; the long
names of rows of earlier versions are read too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from switchboard.domain.rates import PRICED_CLASSES, Dimension, Price, RateCard, Rates, Tier, Variant
from switchboard.store import keyspace
from switchboard.store.attributes import Item, Value
from switchboard.store.moment_items import moment_number, read_moment
from switchboard.store.traces.usage_items import TOKEN_NAMES

KIND = "rates"

_DIMENSIONS = {Dimension.SERVICE_TIER: "g", Dimension.REGION: "z", Dimension.SPEED: "v"}


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
        "entry_id": card.entry_id or None,
        "valid_from": _text(card.valid_from),
        "valid_until": None if card.valid_until is None else _text(card.valid_until),
        "rates": _rates_item(card.rates),
        "tiers": _tier_items(card.tiers),
        "variants": [_variant_item(variant) for variant in card.variants] or None,
    }


def from_item(item: Mapping[str, Any]) -> RateCard:
    """The rate card of a row. Raises KeyError or ValueError if it is not a rate card."""
    valid_until = item.get("valid_until")
    return RateCard(
        provider=item["provider"],
        model=item["model"],
        source=item["source"],
        entry_id=item.get("entry_id") or "",
        valid_from=datetime.fromisoformat(item["valid_from"]),
        valid_until=None if valid_until is None else datetime.fromisoformat(valid_until),
        rates=_rates(item["rates"]),
        tiers=_tiers(item),
        variants=tuple(_variant(variant) for variant in item.get("variants") or ()),
    )


def price_item(price: Price) -> Item:
    """The attribute that stores a trace's price."""
    told = {name: getattr(price, dimension) for dimension, name in _DIMENSIONS.items()}
    values: dict[str, Value] = {
        "s": price.source,
        "e": price.entry_id or None,
        "f": moment_number(price.valid_from),
        "r": _rates_item(price.rates),
        **told,
    }
    return {name: value for name, value in values.items() if value is not None}


def read_price(item: Mapping[str, Any]) -> Price:
    """The price stored with a trace. Raises KeyError or ValueError if it is not a price."""
    if "source" in item:
        return Price(item["source"], datetime.fromisoformat(item["valid_from"]), _rates(item["rates"]))
    told = {dimension.value: item.get(name) for dimension, name in _DIMENSIONS.items()}
    return Price(item["s"], read_moment(item["f"]), _rates(item["r"]), item.get("e") or "", **told)


def _tier_items(tiers: tuple[Tier, ...]) -> list[Item] | None:
    return [{"above": tier.above, "rates": _rates_item(tier.rates)} for tier in tiers] or None


def _tiers(item: Mapping[str, Any]) -> tuple[Tier, ...]:
    return tuple(Tier(tier["above"], _rates(tier["rates"])) for tier in item.get("tiers") or ())


def _variant_item(variant: Variant) -> Item:
    values: dict[str, Value] = {
        "dimension": variant.dimension.value,
        "value": variant.value,
        "rates": None if variant.rates is None else _rates_item(variant.rates),
        "tiers": _tier_items(variant.tiers),
        "factor": None if variant.factor == 1 else str(variant.factor),
    }
    return {name: value for name, value in values.items() if value is not None}


def _variant(item: Mapping[str, Any]) -> Variant:
    rates = item.get("rates")
    return Variant(
        Dimension(item["dimension"]),
        item["value"],
        None if rates is None else _rates(rates),
        _tiers(item),
        Fraction(item.get("factor", 1)),
    )


def _rates_item(rates: Rates) -> Item:
    values = {TOKEN_NAMES[name]: getattr(rates, name) for name in PRICED_CLASSES}
    return {name: rate for name, rate in values.items() if rate is not None}


def _rates(item: Mapping[str, Any]) -> Rates:
    names = {name: name for name in PRICED_CLASSES} if "fresh_input" in item else TOKEN_NAMES
    rates: dict[str, Any] = {name: item.get(names[name]) for name in PRICED_CLASSES}
    return Rates(**rates | {name: item[names[name]] for name in ("fresh_input", "output")})


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
