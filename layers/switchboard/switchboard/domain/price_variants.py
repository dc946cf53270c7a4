"""Reads the `variants` of a price: what calls of one service tier, region or speed cost."""

import re
from collections.abc import Iterator
from fractions import Fraction

from switchboard.domain.price_fields import PRICES, Entry, Report, read_rates, read_tiers
from switchboard.domain.rates import Dimension, Variant

_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,6}|/[1-9]\d{0,2})?")
_FACTOR = "factor"


def read_variants(entry: Entry, model: str, report: Report) -> tuple[Variant, ...]:
    """The variants; every problem is passed to `report`."""
    listed = entry.get("variants", [])
    if not isinstance(listed, list) or not all(isinstance(variant, dict) for variant in listed):
        report("'variants' must be a list of tables.")
        return ()
    read = tuple(_read(listed, model, report))
    if len({(each.dimension, each.value) for each in read}) != len(read):
        report("Two variants are for the same calls.")
    return read


def _read(listed: list[Entry], model: str, report: Report) -> Iterator[Variant]:
    for number, variant in enumerate(listed, start=1):
        found = _variant(variant, model, _reporting(report, f"variant {number}: "))
        if found is not None:
            yield found


def _reporting(report: Report, where: str) -> Report:
    return lambda problem: report(where + problem)


def _variant(variant: Entry, model: str, report: Report) -> Variant | None:
    told = [dimension for dimension in Dimension if dimension in variant]
    value = variant.get(told[0]) if len(told) == 1 else None
    if not isinstance(value, str) or not value:
        report(f"it must have one of {', '.join(Dimension)}, with a non-empty string.")
        return None
    if _FACTOR in variant:
        return _multiple(variant, told[0], value, report)
    if unknown := sorted(variant.keys() - {told[0].value, "tiers", *PRICES}):
        report(f"{', '.join(unknown)}: not fields of a variant.")
        return None
    rates = read_rates(variant, model, report)
    return None if rates is None else Variant(told[0], value.lower(), rates, read_tiers(variant, model, report))


def _multiple(variant: Entry, dimension: Dimension, value: str, report: Report) -> Variant | None:
    if variant.keys() != {dimension.value, _FACTOR}:
        report("one with a factor has no prices.")
        return None
    factor = variant[_FACTOR]
    if not isinstance(factor, str) or not _NUMBER.fullmatch(factor):
        report('\'factor\' must be a string with a number below 1,000, such as "1.1" or "1/2".')
        return None
    return Variant(dimension, value.lower(), factor=Fraction(factor))
