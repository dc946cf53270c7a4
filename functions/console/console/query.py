"""A list's query parameters become one value, or a no that names the parameter."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from console.errors import ParameterInvalid

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
PARAMETERS = ("task_id", "from", "to", "limit", "cursor")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which traces: of that task, begun in [since, until) UTC, `limit` at most, older than the cursor's."""

    task_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


def read_query(pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """The query of a request. Raises ParameterInvalid for what is unknown, repeated, empty or makes no sense."""
    given = _once_each(pairs)
    query = ListQuery(
        task_id=given.get("task_id"),
        since=_moment("from", given.get("from")),
        until=_moment("to", given.get("to")),
        limit=_limit(given.get("limit")),
        cursor=given.get("cursor"),
    )
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise ParameterInvalid("`from` must be earlier than `to`, which is not included itself.", param="from")
    return query


def _once_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in PARAMETERS:
            known = ", ".join(f"`{parameter}`" for parameter in PARAMETERS)
            raise ParameterInvalid(f"There is no parameter `{name}`. There are {known}.", param=name)
        if name in given:
            raise ParameterInvalid(f"`{name}` may be given once.", param=name)
        if not value:
            raise ParameterInvalid(f"`{name}` is empty. Leave it out instead.", param=name)
        given[name] = value
    return given


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return _read_moment(text)
    except (ValueError, OverflowError):
        raise ParameterInvalid(
            f"`{name}` must be an ISO 8601 date (UTC), or a date and time with Z or an offset, such as "
            f"2026-11-20T09:30:00Z; in a URL the offset's + is written %2B. It was {text[:80]!r}.",
            param=name,
        ) from None


def _read_moment(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        # Python takes any character for the T, even a digit: 20261120120000Z would be eight in the evening.
        if "T" not in text:
            raise
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment.astimezone(UTC)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    # Three digits at most: int() of a thousand digits is no number to compare with.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT):
        raise ParameterInvalid(f"`limit` must be a whole number from 1 to {MAX_LIMIT}.", param="limit")
    return int(text)
