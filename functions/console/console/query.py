"""Reads the query parameters of a list; an error names the parameter."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from console.errors import ParameterInvalid
from console.moments import read_moment
from console.parameters import once_each

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
PARAMETERS = ("task_id", "from", "to", "limit", "cursor")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which traces to list: of the task, begun in [since, until) UTC, at most `limit`, older than the cursor's."""

    task_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


def read_query(pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """The query of a request. Raises ParameterInvalid for a parameter that is unknown, repeated, empty or invalid."""
    given = once_each(pairs, PARAMETERS)
    query = ListQuery(
        task_id=given.get("task_id"),
        since=read_moment("from", given.get("from")),
        until=read_moment("to", given.get("to")),
        limit=_limit(given.get("limit")),
        cursor=given.get("cursor"),
    )
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise ParameterInvalid("`from` must be earlier than `to` (`to` is exclusive).", param="from")
    return query


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    # The length is checked first, since int() is slow for very long numbers.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT):
        raise ParameterInvalid(f"`limit` must be a whole number from 1 to {MAX_LIMIT}.", param="limit")
    return int(text)
