"""Reads the amounts of a price as an operator writes them: USD per million tokens, by class, and per web search."""

from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException

from switchboard.domain.limits import MAX_TOKENS
from switchboard.domain.model_names import is_claude
from switchboard.domain.rates import Rates, Tier, from_usd_per_million
from switchboard.domain.token_classes import complete_rates

type Entry = Mapping[str, object]
type Report = Callable[[str], None]

_REQUIRED = ("input", "output")
_OPTIONAL = ("cache_read", "cache_write_5m", "cache_write_1h")
_PER_SEARCH = "searches"
_OTHERS = (
    *("audio_input", "audio_cache_read", "audio_output", "image_input", "image_cache_read", "image_output"),
    _PER_SEARCH,
)
PRICES = _REQUIRED + _OPTIONAL + _OTHERS
"""The fields of amounts."""


def read_rates(entry: Entry, model: str, report: Report) -> Rates | None:
    """The rates of all classes; or None, with every problem passed to `report`."""
    for name in _REQUIRED:
        if name not in entry:
            report(f"{name!r} is missing.")
    prices = {name: _pico_usd(entry[name], name, report) for name in PRICES if name in entry}
    if (fresh_input := prices.pop("input", None)) is None or (output := prices.pop("output", None)) is None:
        return None
    others = {name: prices.pop(name) for name in _OTHERS if name in prices}
    return complete_rates(fresh_input, output, **prices, others=others, is_claude=is_claude(model))


def _pico_usd(value: object, name: str, report: Report) -> int | None:
    if not isinstance(value, str):
        report(f'{name!r} must be a string, such as "0.10": numbers are not exact.')
        return None
    try:
        return from_usd_per_million(Decimal(value) * (10**6 if name == _PER_SEARCH else 1))
    except DecimalException:  # also for an exponent that no number may have
        report(f"{name!r} is not a number: {value!r}.")
    except ValueError as error:
        report(f"{name!r}: {error}")
    return None


def read_tiers(entry: Entry, model: str, report: Report) -> tuple[Tier, ...]:
    """The context tiers, by their beginning; every problem is passed to `report`."""
    listed = entry.get("tiers", [])
    if not isinstance(listed, list) or not all(isinstance(tier, dict) for tier in listed):
        report("'tiers' must be a list of tables.")
        return ()
    named = [name for name in PRICES if name in entry]
    tiers = [_tier(tier, f"tier {number}", named, model, report) for number, tier in enumerate(listed, start=1)]
    starts = [tier.above for tier in tiers if tier]
    if len(set(starts)) != len(starts):
        report("Two tiers have the same 'above'.")
    return tuple(sorted((tier for tier in tiers if tier), key=lambda tier: tier.above))


def _tier(tier: Entry, where: str, named: list[str], model: str, report: Report) -> Tier | None:
    if tier.keys() != {"above", *named}:
        report(f"{where} must have 'above' and the same prices as its entry: {', '.join(named)}.")
        return None
    above = tier["above"]
    if type(above) is not int or not 0 < above <= MAX_TOKENS:
        report(f"{where}: 'above' must be a whole number of tokens, {MAX_TOKENS:,} at most.")
        return None
    rates = read_rates(tier, model, lambda problem: report(f"{where}: {problem}"))
    return None if rates is None else Tier(above, rates)
