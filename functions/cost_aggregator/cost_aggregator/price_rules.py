"""What providers document of prices and the library lacks: multipliers, and classes that cost what others do."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from switchboard.domain.rates import PICO_PER_USD, PRICED_CLASSES, Dimension, RateCard, Rates, Tier, Variant

SHIPPED = Path(__file__).with_name("price_rules.toml")

_KEYS = frozenset({"provider", "models", "factor", "classes", "same", "searches", "document", "read"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, for the library's models of a provider whose ids the pattern matches as a whole.

    `variants`: the service tiers, regions or speeds that multiply rates; if `classes` are named, these alone. `same`:
    classes that cost what another does, where the list has no price for them. `searches`: pico-dollars for one search.
    """

    provider: str
    models: re.Pattern[str]
    variants: tuple[Variant, ...] = ()
    classes: frozenset[str] = frozenset()
    same: Mapping[str, str] = field(default_factory=dict)
    searches: int | None = None

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
    searches = entry.get("searches")
    same, classes = entry.get("same", {}), entry.get("classes", [])
    if not isinstance(same, dict) or not isinstance(classes, list) or not {*same, *classes} <= set(PRICED_CLASSES):
        raise ValueError(f"{entry} names no classes")
    return Rule(
        str(entry["provider"]),
        re.compile(str(entry["models"])),
        tuple(_multipliers(entry)),
        frozenset(classes),
        same,
        None if searches is None else int(Decimal(str(searches)) * PICO_PER_USD),
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


def _completed(rates: Rates, rule: Rule) -> Rates:
    missing = {name: getattr(rates, other) for name, other in rule.same.items() if getattr(rates, name) is None}
    if rule.searches is not None and rates.searches is None:
        missing["searches"] = rule.searches
    return replace(rates, **missing)


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
