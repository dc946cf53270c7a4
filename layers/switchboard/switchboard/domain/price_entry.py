"""Reads the fields of one price as an operator writes them, and reports every problem."""

from datetime import UTC, datetime

from switchboard.domain.model_names import plain
from switchboard.domain.price_fields import PRICES, Entry, Report, read_rates, read_tiers
from switchboard.domain.price_variants import read_variants
from switchboard.domain.rates import RateCard

_KEYS = {"provider", "model", "from", "until", "tiers", "variants", *PRICES}


def read_entry(entry: Entry, report: Report) -> RateCard | None:
    """The rate card of an entry; or None, with every problem passed to `report`."""
    problems: list[str] = [f"{name!r} is not a field of a price." for name in sorted(entry.keys() - _KEYS)]
    provider, model = (_name(entry, name, problems.append) for name in ("provider", "model"))
    since = _moment(entry, "from", problems.append)
    until = _moment(entry, "until", problems.append) if "until" in entry else None
    if since and until and until <= since:
        problems.append("'until' must be later than 'from'.")
    rates = read_rates(entry, model, problems.append)
    tiers = read_tiers(entry, model, problems.append)
    variants = read_variants(entry, model, problems.append)
    for problem in problems:
        report(problem)
    if problems or since is None or rates is None:
        return None
    source = f"overrides {since.date().isoformat()}"
    return RateCard(
        provider,
        model,
        rates,
        valid_from=since,
        valid_until=until,
        source=source,
        tiers=tiers,
        entry_id=f"{provider}/{model}",
        variants=variants,
    )


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
        in_utc = None if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        in_utc = None
    if in_utc is None:
        report(f'{name!r} must be a date and time with an offset, such as "2026-01-01T00:00:00Z".')
    return in_utc
