"""Trace ids: UUID version 7 (RFC 9562), whose text sorts by time."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = ((1 << 12) - 1) << 64 | (1 << 62) - 1


def new_trace_id(now: datetime, random: Random) -> str:
    """A new id, 36 characters; ids of a later millisecond sort after it."""
    return _with_random_bits(now, random.getrandbits(76))


def earliest_trace_id(at: datetime) -> str:
    """The id that sorts before every id made in the millisecond `at` or later."""
    return str(UUID(int=_milliseconds(at) << 80))


def lowest_trace_id(at: datetime) -> str:
    """The first valid id of the millisecond `at`."""
    return _with_random_bits(at, 0)


def time_of(text: str) -> datetime:
    """The time in a UUID of whatever version, to the millisecond; the year 9999 if it is later."""
    try:
        return _EPOCH + timedelta(milliseconds=UUID(text).int >> 80)
    except OverflowError:
        return _LATEST


def created_at(trace_id: str) -> datetime:
    """When the id was made, to the millisecond, in UTC. Raises ValueError for anything but a UUIDv7."""
    parsed = UUID(trace_id)
    if parsed.version != 7:  # noqa: PLR2004
        raise ValueError(f"{trace_id!r} is not a UUID version 7")
    try:
        return _EPOCH + timedelta(milliseconds=parsed.int >> 80)
    except OverflowError as error:
        raise ValueError(f"{trace_id!r} has a timestamp after the year 9999") from error


def _with_random_bits(now: datetime, bits: int) -> str:
    spread = (bits >> 62) << 64 | bits & ((1 << 62) - 1)
    return str(UUID(int=_milliseconds(now) << 80 | _VERSION | _VARIANT | spread & _RANDOM_BITS))


def _milliseconds(moment: datetime) -> int:
    # Integer arithmetic: a float of seconds can round down to the previous millisecond.
    return max(0, (moment - _EPOCH) // timedelta(milliseconds=1))
