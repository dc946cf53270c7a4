"""One page of rows from each of several partitions, newest first, as far as all of the partitions were read."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from switchboard.store.dynamodb_table import Page, Table
from switchboard.store.keyspace import TraceRange

_THREADS = 8
"""Partitions that are read at once."""


@dataclass(frozen=True, slots=True)
class NewestRows:
    """Rows in the order of their sk, last first. `read_to`: every row from this sk on is here; None if all rows are."""

    items: tuple[Mapping[str, Any], ...]
    read_to: str | None


def newest_rows(
    table: Table, partitions: Iterable[str], ids: TraceRange, page_size: int, *, in_index: bool = False
) -> NewestRows:
    """The newest rows of the partitions with an sk in the range: at most `page_size` of each, by one request each."""

    def read_page(pk: str) -> Page:
        return table.newest_page(pk, ids.first, ids.last, page_size, in_index=in_index)

    with ThreadPoolExecutor(_THREADS, "search") as pool:
        pages = list(pool.map(read_page, partitions))
    read_to = max((page.last for page in pages if page.last is not None), default=None)
    items = (item for page in pages for item in page.items)
    read = (item for item in items if read_to is None or item["sk"] >= read_to)
    return NewestRows(tuple(sorted(read, key=itemgetter("sk"), reverse=True)), read_to)
