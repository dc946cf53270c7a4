"""The time that one search looks at: as far back as there is something to find by, and as one request may read."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from switchboard.domain.trace_id import created_at
from switchboard.domain.trace_search import TraceSearch

_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Indexed:
    """Since when calls can be found otherwise than by reading all of them.

    `since`: the first day on which every call can be found; on the day before, those can that were settled by this
    version. None while there is no such day.
    """

    since: date | None
    now: datetime

    @property
    def first_day(self) -> date:
        """The first day on which calls can be found."""
        return (self.now.date() if self.since is None else self.since) - _DAY

    def searched_since(self, search: TraceSearch) -> datetime | None:
        """From when on a search to its end has looked at every call; None if that is all of its range."""
        begins = midnight(self.now.date() + _DAY if self.since is None else self.since)
        return None if search.since is not None and search.since >= begins else begins


def midnight(day: date) -> datetime:
    """The start of the UTC day."""
    return datetime.combine(day, time(), UTC)


def searched_to(trace_id: str) -> datetime:
    """From when on every call was looked at, if all were whose ids are this one or later."""
    return created_at(trace_id) + _MILLISECOND
