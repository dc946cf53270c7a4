"""Reads and writes times as ISO 8601 text."""

from datetime import UTC, date, datetime, time

from console.errors import ParameterInvalid


def iso_utc(moment: datetime) -> str:
    """The time in UTC to the millisecond: `2026-11-20T09:30:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_moment(name: str, text: str | None) -> datetime | None:
    """A parameter's time in UTC (a date means its midnight); None if it is not given. Raises ParameterInvalid."""
    found = None if text is None else read_day_or_moment(name, text)
    return found if found is None or isinstance(found, datetime) else datetime.combine(found, time(), UTC)


def read_day_or_moment(name: str, text: str) -> date | datetime:
    """A parameter's date, of a zone that is not known here, or its time in UTC. Raises ParameterInvalid."""
    try:
        return _read(text)
    except (ValueError, OverflowError):
        raise ParameterInvalid(
            f"`{name}` must be an ISO 8601 date (UTC), or a date and time with Z or an offset, such as "
            f"2026-11-20T09:30:00Z; in a URL the offset's + is written %2B. It was {text[:80]!r}.",
            param=name,
        ) from None


def _read(text: str) -> date | datetime:
    try:
        return date.fromisoformat(text)
    except ValueError:
        # Python accepts any character as the T, even a digit: 20261120120000Z would be read as 20:00:00.
        if "T" not in text:
            raise
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment.astimezone(UTC)
