"""A search for calls by several of their attributes, and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from switchboard.domain.trace import Status, Trace


class Order(StrEnum):
    """Which calls come first. `SLOWEST` is by TTFT, `DEAREST` by cost; both have `ok` calls only.

    Of each task and UTC day these two have the first 100. Over several the calls below the highest of the last ones are
    left out, since others of their value may be missing: what is found is exact.
    """

    NEWEST = "newest"
    SLOWEST = "slowest"
    DEAREST = "dearest"


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """Which calls to find: all that began in [since, until) and have every value that is not None.

    `metadata`: entries by name, of the names that are indexed.
    """

    task_id: str | None = None
    environment: str | None = None
    key_id: str | None = None
    provider: str | None = None
    model: str | None = None
    status: Status | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    order: Order = Order.NEWEST


@dataclass(frozen=True, slots=True)
class FoundTraces:
    """What one request found, in the search's order. It may be fewer than asked for, even none, and not be the end.

    `next_cursor` continues; None at the end. `searched_since`: every call that began at or after this time was looked
    at; None if all calls of the search's range were. `examined`: how many rows were looked at.
    """

    traces: tuple[Trace, ...]
    next_cursor: str | None
    searched_since: datetime | None = None
    examined: int = 0


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value that calls have, and how many have it."""

    value: str
    calls: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one name, those with the most calls first; `is_truncated` if there are more."""

    name: str
    values: tuple[FacetValue, ...]
    is_truncated: bool = False
