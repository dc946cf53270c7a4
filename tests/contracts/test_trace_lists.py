"""The contract of every trace store: lists."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from switchboard.domain.trace import Trace
from switchboard.store.ports import TraceStore
from testkit.samples import NOON, an_open_trace


def open_traces(store: TraceStore, count: int, task_id: str = "booking", project: str = "acme") -> list[Trace]:
    """That many traces, a second apart; newest first."""
    moments = (NOON + timedelta(seconds=number) for number in range(count))
    traces = [an_open_trace(project, task_id, started_at) for started_at in moments]
    for trace in traces:
        store.open_trace(trace)
    return traces[::-1]


def pages(store: TraceStore, limit: int, **filters: str | datetime) -> Iterator[tuple[Trace, ...]]:
    cursor = None
    for _ in range(50):
        page = store.list_traces("acme", limit=limit, cursor=cursor, **filters)  # type: ignore[arg-type]
        yield page.traces
        if (cursor := page.next_cursor) is None:
            return
    raise AssertionError("the list does not end")


def test_an_empty_project_has_an_empty_list(store: TraceStore) -> None:
    page = store.list_traces("acme", limit=10)
    assert (page.traces, page.next_cursor) == ((), None)


@pytest.mark.parametrize("task_id", [None, "booking"])
def test_lists_newest_first(store: TraceStore, task_id: str | None) -> None:
    traces = open_traces(store, 30)
    assert store.list_traces("acme", limit=30, task_id=task_id).traces == tuple(traces)


@pytest.mark.parametrize("limit", [1, 7, 40, 41])
@pytest.mark.parametrize("filters", [{}, {"task_id": "booking"}], ids=["project", "task"])
def test_joined_pages_are_the_whole_list(store: TraceStore, limit: int, filters: dict[str, str]) -> None:
    traces = open_traces(store, 41)
    found = list(pages(store, limit, **filters))
    assert [trace for page in found for trace in page] == traces
    assert {len(page) for page in found[:-1]} <= {limit}
    assert len(found) == -(-len(traces) // limit)


def test_a_task_lists_its_own_traces_only(store: TraceStore) -> None:
    booking = open_traces(store, 5, "booking")
    others = open_traces(store, 5, "booking#1") + open_traces(store, 5, "book")
    open_traces(store, 5, "booking", project="other")
    assert store.list_traces("acme", limit=50, task_id="booking").traces == tuple(booking)
    assert store.list_traces("acme", limit=50, task_id="nothing").traces == ()
    listed = {trace.trace_id for trace in store.list_traces("acme", limit=50).traces}
    assert listed == {trace.trace_id for trace in booking + others}


@pytest.mark.parametrize("task_id", [None, "booking"])
@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, 4),
        (3, None),
        (3, 9),
        (5, 5),
        (9, 3),
        (-100, 100),
        (0, 0.001),
        (3.0005, 4.0005),
        (3, 4.0005),
        (-1e10, 1e11),
    ],
)
def test_lists_a_time_range(store: TraceStore, since: float | None, until: float | None, task_id: str | None) -> None:
    traces = open_traces(store, 12)
    begin, end = (None if at is None else NOON + timedelta(seconds=at) for at in (since, until))
    expected = [
        trace
        for trace in traces
        if (begin is None or begin <= trace.started_at) and (end is None or trace.started_at < end)
    ]
    found = store.list_traces("acme", limit=50, task_id=task_id, since=begin, until=end)
    assert found.traces == tuple(expected)


def test_a_time_range_is_paged(store: TraceStore) -> None:
    traces = open_traces(store, 20)
    since, until = NOON + timedelta(seconds=5), NOON + timedelta(seconds=16)
    found = [trace for page in pages(store, 4, since=since, until=until) for trace in page]
    assert found == traces[4:15]


def test_traces_that_come_between_two_pages_do_not_shift_them(store: TraceStore) -> None:
    traces = open_traces(store, 6)
    first = store.list_traces("acme", limit=3)
    store.open_trace(an_open_trace(started_at=NOON + timedelta(minutes=5)))
    second = store.list_traces("acme", limit=3, cursor=first.next_cursor)
    assert first.traces + second.traces == tuple(traces)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "#",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "é",
        "AaH5JCYyfxO3jiB_iIn0O",
        "AaH5JCYyfxO3jiB_iIn0Ox",
        "=" * 22,
        "A" * 5000,
    ],
)
@pytest.mark.parametrize("task_id", [None, "booking"])
def test_an_invalid_cursor_is_refused(store: TraceStore, cursor: str, task_id: str | None) -> None:
    open_traces(store, 2)
    with pytest.raises(ValueError, match="cursor is invalid"):
        store.list_traces("acme", limit=1, cursor=cursor, task_id=task_id)


def test_a_cursor_is_safe_in_urls(store: TraceStore) -> None:
    open_traces(store, 2)
    cursor = store.list_traces("acme", limit=1).next_cursor
    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").isalnum()
