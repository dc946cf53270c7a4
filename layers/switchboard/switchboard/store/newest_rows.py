"""One page of rows from each of several partitions, newest first, as far as all of the partitions were read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from switchboard.store.dynamodb_table import Table
from switchboard.store.keyspace import TraceRange


@dataclass(frozen=True, slots=True)
class NewestRows:
    """Rows in the order of their sk, last first. `read_to`: every row from this sk on is here; None if all rows are."""

    items: tuple[Mapping[str, Any], ...]
    read_to: str | None


def newest_rows(
    table: Table, partitions: Iterable[str], ids: TraceRange, page_size: int, *, in_index: bool = False
) -> NewestRows:
    """The newest rows of the partitions with an sk in the range: at most `page_size` of each, by one request each."""
    items: list[dict[str, Any]] = []
    unfinished = []
    for pk in partitions:
        page = table.newest_page(pk, ids.first, ids.last, page_size, in_index=in_index)
        items += page.items
        if page.last is not None:
            unfinished.append(page.last)
    read_to = max(unfinished, default=None)
    read = (item for item in items if read_to is None or item["sk"] >= read_to)
    return NewestRows(tuple(sorted(read, key=itemgetter("sk"), reverse=True)), read_to)
