"""Reads the fields of one price as an operator writes them, and reports every problem."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from switchboard.domain.model_names import is_claude, plain
from switchboard.domain.rates import RateCard, Rates, Tier, from_usd_per_million
from switchboard.domain.token_classes import complete_rates

type Entry = Mapping[str, object]
type Report = Callable[[str], None]

_REQUIRED = ("input", "output")
_OPTIONAL = ("cache_read", "cache_write_5m", "cache_write_1h")
_PRICES = _REQUIRED + _OPTIONAL
_KEYS = {"provider", "model", "from", "until", "tiers", *_PRICES}


def read_entry(entry: Entry, report: Report) -> RateCard | None:
    """The rate card of an entry; or None, with every problem passed to `report`."""
    problems: list[str] = [f"{name!r} is not a field of a price." for name in sorted(entry.keys() - _KEYS)]
    provider, model = (_name(entry, name, problems.append) for name in ("provider", "model"))
    since = _moment(entry, "from", problems.append)
    until = _moment(entry, "until", problems.append) if "until" in entry else None
    if since and until and until <= since:
        problems.append("'until' must be later than 'from'.")
    rates = _rates(entry, model, problems.append)
    tiers = _tiers(entry, model, problems.append)
    for problem in problems:
        report(problem)
    if problems or since is None or rates is None:
        return None
    source = f"overrides {since.date().isoformat()}"
    return RateCard(provider, model, rates, valid_from=since, valid_until=until, source=source, tiers=tiers)


def _name(entry: Entry, name: str, report: Report) -> str:
    match entry.get(name):
        case str(text) if text.strip():
            return plain(text)
        case None:
            report(f"{name!r} is missing.")
        case _:
            report(f"{name!r} must be a non-empty string.")
    return ""


def _moment(entry: Entry, name: str, report: Report) -> datetime | None:
    value = entry.get(name)
    if value is None:
        report(f"{name!r} is missing.")
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        report(f'{name!r} must be a date and time with an offset, such as "2026-01-01T00:00:00Z".')
        return None
    return moment.astimezone(UTC)


def _rates(entry: Entry, model: str, report: Report) -> Rates | None:
    for name in _REQUIRED:
        if name not in entry:
            report(f"{name!r} is missing.")
    prices = {name: _pico_usd(entry[name], name, report) for name in _PRICES if name in entry}
    if (fresh_input := prices.pop("input", None)) is None or (output := prices.pop("output", None)) is None:
        return None
    return complete_rates(fresh_input, output, **prices, is_claude=is_claude(model))


def _pico_usd(value: object, name: str, report: Report) -> int | None:
    if not isinstance(value, str):
        report(f'{name!r} must be a string, such as "0.10": TOML\'s numbers are not exact.')
        return None
    try:
        return from_usd_per_million(Decimal(value))
    except InvalidOperation:
        report(f"{name!r} is not a number: {value!r}.")
    except ValueError as error:
        report(f"{name!r}: {error}")
    return None


def _tiers(entry: Entry, model: str, report: Report) -> tuple[Tier, ...]:
    listed = entry.get("tiers", [])
    if not isinstance(listed, list) or not all(isinstance(tier, dict) for tier in listed):
        report("'tiers' must be a list of tables.")
        return ()
    named = [name for name in _PRICES if name in entry]
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
    if type(above) is not int or above <= 0:
        report(f"{where}: 'above' must be a whole number of tokens.")
        return None
    rates = _rates(tier, model, lambda problem: report(f"{where}: {problem}"))
    return None if rates is None else Tier(above, rates)
