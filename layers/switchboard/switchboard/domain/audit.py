"""The audit of a closed day: whether the totals are the sums over its calls, to the pico-dollar."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

CLOSED_AFTER = timedelta(hours=26)
"""From a day's start until it is closed: two hours after its end. A call may run for minutes; a lost one is settled
within half an hour."""


class Outcome(StrEnum):
    """What an audit of a day found."""

    CLEAN = "clean"
    """Every row is the sum over its calls."""
    DIFFERS = "differs"
    """Rows differ, as listed."""
    UNSETTLED = "unsettled"
    """A call of the day is open or not settled yet, so its rows cannot be compared yet."""
    EXPIRED = "expired"
    """Calls of the day have been deleted, or may have been, so its rows can never be compared again."""
    TOO_LARGE = "too_large"
    """The day has more rows than a scheduled audit compares."""
    MOVING = "moving"
    """Rows changed during each of the tries, so they could not be compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter of a row, summed over its shards, that is not the sum over the row's calls. `pk` is of shard 0."""

    pk: str
    sk: str
    counter: str
    stored: int
    counted: int
    is_repaired: bool = False


@dataclass(frozen=True, slots=True)
class DayAudit:
    """The result for a UTC day. `unaudited`: rows with calls of other days too, which can no longer be read."""

    project: str
    day: date
    outcome: Outcome
    calls: int = 0
    rows: int = 0
    unaudited: int = 0
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectDays:
    """A project, and the first of its days that has not been audited; None while it has no such day."""

    project: str
    unaudited: date | None


@dataclass(frozen=True, slots=True)
class Retention:
    """How long traces were kept that were written from `since` on."""

    since: datetime
    kept_for: timedelta


def start_of(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime.combine(day, time(), UTC)


def is_closed(day: date, now: datetime) -> bool:
    """Whether no call of the day can still end."""
    return now >= start_of(day) + CLOSED_AFTER


def last_closed_day(now: datetime) -> date:
    """The latest day that is closed."""
    return (now.astimezone(UTC) - CLOSED_AFTER).date()


def is_kept(day: date, history: tuple[Retention, ...], now: datetime) -> bool:
    """Whether every trace of the day certainly still exists.

    `history`: the retention at each time at which it changed, oldest first. A day before the first is judged by it.
    """
    begin, end = start_of(day), start_of(day + timedelta(days=1))
    applied = [
        entry.kept_for
        for number, entry in enumerate(history)
        if (number == 0 or entry.since < end) and (number + 1 == len(history) or history[number + 1].since > begin)
    ]
    return bool(applied) and now < begin + min(applied)
