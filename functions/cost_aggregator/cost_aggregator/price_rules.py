"""What providers document of prices and the library lacks: multipliers, and classes that cost what others do."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from switchboard.domain.rates import (
    PICO_PER_USD,
    PRICED_CLASSES,
    Dimension,
    RateCard,
    Rates,
    Tier,
    Variant,
    from_usd_per_million,
)

SHIPPED = Path(__file__).with_name("price_rules.toml")

_KEYS = frozenset({"provider", "models", "factor", "classes", "same", "prices", "searches", "document", "read"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, for the library's models of a provider whose ids the pattern matches as a whole.

    `variants`: the service tiers, regions or speeds that multiply rates; if `classes` are named, these alone. `same`:
    classes that cost what another does, where the list has no price for them; `prices`: what such classes cost.
    """

    provider: str
    models: re.Pattern[str]
    variants: tuple[Variant, ...] = ()
    classes: frozenset[str] = frozenset()
    same: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, int] = field(default_factory=dict)

    def is_for(self, provider: str, entry: str) -> bool:
        """Whether it applies to a model of the library."""
        return provider == self.provider and self.models.fullmatch(entry) is not None


@dataclass(frozen=True, slots=True)
class PriceRules:
    """All rules. `digest` tells them from those of another file."""

    rules: tuple[Rule, ...] = ()
    digest: str = ""

    def apply(self, card: RateCard, provider: str, entry: str) -> RateCard:
        """The card with what applies to it; what the library has itself stays as it is."""
        rules = [rule for rule in self.rules if rule.is_for(provider, entry)]
        for rule in rules:
            card = _every_rate(card, rule)
        return replace(card, variants=(*card.variants, *_variants(card, rules)))


def read_rules(text: str) -> PriceRules:
    """The rules of a file's text. Raises KeyError or ValueError for an invalid one."""
    rules = tuple(map(_rule, tomllib.loads(text)["rule"]))
    return PriceRules(rules, hashlib.sha256(text.encode()).hexdigest()[:12])


def shipped_rules() -> PriceRules:
    """The rules in `price_rules.toml`, next to this module."""
    return read_rules(SHIPPED.read_text("utf-8"))


def _rule(entry: Mapping[str, object]) -> Rule:
    if unknown := entry.keys() - _KEYS - set(Dimension):
        raise ValueError(f"{sorted(unknown)} are no fields of a rule")
    same, prices, classes = entry.get("same", {}), entry.get("prices", {}), entry.get("classes", [])
    if not isinstance(same, dict) or not isinstance(prices, dict) or not isinstance(classes, list):
        raise ValueError(f"{entry} names no classes")  # noqa: TRY004 - an invalid file, whatever is wrong in it
    if not {*same, *prices, *classes} <= set(PRICED_CLASSES):
        raise ValueError(f"{entry} names no classes")
    per_search = {"searches": int(Decimal(str(entry["searches"])) * PICO_PER_USD)} if "searches" in entry else {}
    return Rule(
        str(entry["provider"]),
        re.compile(str(entry["models"])),
        tuple(_multipliers(entry)),
        frozenset(classes),
        same,
        {name: from_usd_per_million(Decimal(str(price))) for name, price in prices.items()} | per_search,
    )


def _multipliers(entry: Mapping[str, object]) -> Iterator[Variant]:
    for dimension in Dimension:
        values = entry.get(dimension.value, [])
        for value in values if isinstance(values, list) else [values]:
            yield Variant(dimension, str(value), factor=Fraction(str(entry["factor"])))


def _every_rate(card: RateCard, rule: Rule) -> RateCard:
    """The card with the rule's classes in all of its rates."""
    return replace(
        card,
        rates=_completed(card.rates, rule),
        tiers=_tiers(card.tiers, rule),
        variants=tuple(
            each
            if each.rates is None
            else replace(each, rates=_completed(each.rates, rule), tiers=_tiers(each.tiers, rule))
            for each in card.variants
        ),
    )


def _tiers(tiers: Iterable[Tier], rule: Rule) -> tuple[Tier, ...]:
    return tuple(replace(tier, rates=_completed(tier.rates, rule)) for tier in tiers)


_INPUT_OF = {"audio_cache_read": "audio_input", "image_cache_read": "image_input"}


def _completed(rates: Rates, rule: Rule) -> Rates:
    same = {name: getattr(rates, other) for name, other in rule.same.items() if not _costs_otherwise(name, rates)}
    found = same | dict(rule.prices)
    return replace(rates, **{name: rate for name, rate in found.items() if getattr(rates, name) is None})


def _costs_otherwise(name: str, rates: Rates) -> bool:
    """Whether it is a cache read of what the list prices unlike text when it is fresh."""
    fresh = getattr(rates, _INPUT_OF[name]) if name in _INPUT_OF else None
    return fresh is not None and fresh != rates.fresh_input


def _variants(card: RateCard, rules: Iterable[Rule]) -> Iterator[Variant]:
    listed = {(each.dimension, each.value) for each in card.variants}
    for rule in rules:
        for each in rule.variants:
            if (each.dimension, each.value) not in listed:
                yield _of_classes(each, card, rule.classes) if rule.classes else each


def _of_classes(variant: Variant, card: RateCard, classes: frozenset[str]) -> Variant:
    """A multiplier of some classes alone, as rates of its own."""

    def multiplied(rates: Rates) -> Rates:
        product = rates.times(variant.factor)
        return replace(rates, **{name: getattr(product, name) for name in classes})

    tiers = tuple(replace(tier, rates=multiplied(tier.rates)) for tier in card.tiers)
    return replace(variant, rates=multiplied(card.rates), tiers=tiers, factor=Fraction(1))
