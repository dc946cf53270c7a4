"""Moments ⇄ attributes: a number of microseconds since 1970 in UTC, which takes fewer bytes than text, or text."""

from datetime import UTC, datetime, timedelta

from switchboard.domain.rates import ALWAYS

_MICROSECOND = timedelta(microseconds=1)


def moment_number(moment: datetime) -> int:
    """The number of a moment."""
    return (moment - ALWAYS) // _MICROSECOND


def read_moment(number: int) -> datetime:
    """The moment of a number, in UTC. Raises TypeError if it is none."""
    return ALWAYS + number * _MICROSECOND


def moment_text(moment: datetime) -> str:
    """The moment as text, for attributes that the stream's filter looks at: it tells numbers and text apart."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
