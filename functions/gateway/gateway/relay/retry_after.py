"""How long to wait before a retry: what `retry-after` asks for, else a backoff with full jitter."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isnan
from random import Random

MAX_PAUSE_MS = 2000.0


def retry_after_ms(value: str | None, now: datetime) -> float | None:
    """What a `retry-after` header asks for, in milliseconds from now; None where it is missing or unreadable.

    It holds seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _until(value, now)
    return None if isnan(seconds) else max(0.0, seconds * 1000)


def _until(date: str, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds() * 1000)


def pause_ms(failures: int, base_ms: float, random: Random) -> float:
    """A random pause between 0 and `base_ms` doubled for each failure, at most MAX_PAUSE_MS (full jitter).

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    return random.uniform(0.0, min(MAX_PAUSE_MS, base_ms * 2**failures))
