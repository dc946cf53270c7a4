"""How long to wait before a retry: what `retry-after` asks for, else a backoff with full jitter."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isnan
from random import Random

from gateway.domain.json_text import object_field, read_json, text_field
from switchboard.domain.limits import MAX_RETRY_AFTER_MS

MAX_PAUSE_MS = 2000.0


def asked_pause_ms(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long a response asks to wait, in milliseconds from now; None where it does not say so.

    `retry-after-ms` (OpenAI, Azure) is the finer one: https://learn.microsoft.com/azure/ai-foundry/openai/quotas-limits
    """
    asked_ms = _number(headers.get("retry-after-ms"))
    return retry_after_ms(headers.get("retry-after"), now) if asked_ms is None else _bounded(asked_ms)


def told_pause_ms(body: bytes) -> float | None:
    """How long Google's error body asks to wait, in milliseconds; None where it does not say so.

    Google sends no `retry-after`, but a `RetryInfo` with a `retryDelay` such as "34.4s":
    https://cloud.google.com/apis/design/errors#error_details.
    """
    if b"retryDelay" not in body:
        return None
    try:
        parsed = read_json(body)
    except ValueError:
        return None
    parsed = parsed[0] if isinstance(parsed, list) and parsed else parsed
    details = object_field(parsed, "error").get("details") if isinstance(parsed, dict) else None
    delays = [text_field(detail, "retryDelay") for detail in _list(details) if isinstance(detail, dict)]
    asked_s = _number(next((delay for delay in delays if delay), "").removesuffix("s"))
    return None if asked_s is None else _bounded(asked_s * 1000)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def retry_after_ms(value: str | None, now: datetime) -> float | None:
    """What a `retry-after` header asks for, in milliseconds from now; None where it is missing or unreadable.

    It holds seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
    """
    if value is None:
        return None
    seconds = _number(value)
    return _until(value, now) if seconds is None else _bounded(seconds * 1000)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return None if isnan(number) else number


def _bounded(milliseconds: float) -> float:
    return min(float(MAX_RETRY_AFTER_MS), max(0.0, milliseconds))


def _until(date: str, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return _bounded(((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds() * 1000)


def pause_ms(failures: int, base_ms: float, random: Random) -> float:
    """A random pause between 0 and `base_ms` doubled for each failure, at most MAX_PAUSE_MS (full jitter).

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    return random.uniform(0.0, min(MAX_PAUSE_MS, base_ms * 2**failures))
