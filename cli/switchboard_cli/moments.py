"""Durations and times as users write them."""

import re
from datetime import UTC, datetime, timedelta

from switchboard_cli.failure import CommandFailed

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """`90s`, `30m`, `24h` or `7d`. Raises CommandFailed."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if match is None:
        raise CommandFailed(f"{text!r} is not a duration: write it like 90s, 30m, 24h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def moment(text: str) -> datetime:
    """An ISO 8601 time, in UTC if it has no offset. Raises CommandFailed."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise CommandFailed(f"{text!r} is not a time: write it like 2027-01-31T12:00:00Z.") from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def now() -> datetime:
    """The current time in UTC, to the millisecond, which is the store's resolution."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def written(moment: datetime | None) -> str:
    """The time as text for a table: to the minute, in UTC; empty if there is none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%MZ}"
