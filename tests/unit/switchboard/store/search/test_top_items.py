"""Lists of the highest calls: entries in order, a floor, and rows that read back the same."""

from dataclasses import replace
from random import Random

import pytest

from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_search import Order
from switchboard.store.keyspace import Key
from switchboard.store.search.top_items import (
    MOST,
    NO_FLOOR,
    TopList,
    entry_of,
    from_item,
    read_cursor,
    to_item,
    trace_id,
    write_cursor,
)
from testkit.samples import NOON, an_open_trace

KEY = Key("P#acme#TOP#booking", "SLOWEST#2026-11-20")


def call(ttft_ms: float | None = 412.25, cost: int | None = 7) -> Trace:
    return replace(an_open_trace(), status=Status.OK, ttft_ms=ttft_ms, settlement=Settlement(NOON, cost))


def entry(trace: Trace, order: Order = Order.SLOWEST) -> bytes:
    found = entry_of(trace, order)
    assert found is not None
    return found


def test_entries_sort_by_value_and_then_the_earlier_call_first() -> None:
    one, two, slow, slowest = call(1), call(1), call(1.001), call(90_000)
    ranked = sorted(map(entry, (two, slow, slowest, one)), reverse=True)
    assert [trace_id(each) for each in ranked] == [
        slowest.trace_id,
        slow.trace_id,
        *sorted([one.trace_id, two.trace_id]),
    ]
    assert {len(each) for each in ranked} == {24}


def test_calls_that_did_not_end_well_or_lack_the_value_have_no_entry() -> None:
    assert entry_of(replace(call(), status=Status.LOST), Order.SLOWEST) is None
    assert entry_of(call(None), Order.SLOWEST) is None
    assert entry_of(call(cost=None), Order.DEAREST) is None
    assert entry_of(replace(call(), settlement=None), Order.DEAREST) is None
    assert entry(call(cost=0), Order.DEAREST)[:8] == bytes(8)
    assert entry(call(cost=10**30), Order.DEAREST)[:8] == b"\xff" * 8


@pytest.mark.parametrize("size", [1, MOST, MOST + 1, 250])
def test_a_list_has_the_highest_whatever_the_order_and_reads_back(size: int) -> None:
    entries = [number.to_bytes(24) for number in range(size)]
    top = TopList()
    for each in Random(size).sample(entries, size):
        if top.is_changed_by(each):
            top = top.with_calls([each], 5)
    assert list(top.entries) == sorted(entries, reverse=True)[:MOST]
    assert top.floor == (entries[size - MOST - 1] if size > MOST else NO_FLOOR)
    assert from_item(to_item(KEY, top)) == top
    assert not any(map(top.is_changed_by, entries))


def test_a_list_expires_with_the_call_that_is_kept_longest_and_counts_its_writes() -> None:
    top = TopList().with_calls([b"a" * 24], 7).with_calls([b"b" * 24], 5).with_calls([b"c" * 24], None)
    assert (top.expires_at, top.version) == (7, 3)


def test_a_list_that_lost_calls_below_its_floor_is_short() -> None:
    entries = [number.to_bytes(8) + bytes([number]) * 16 for number in range(150)]
    top = TopList().with_calls(entries, None)
    assert not top.is_short
    lowered = bytes(8) + entries[-1][8:]
    assert top.is_changed_by(lowered)
    short = top.with_calls([lowered], None)
    assert short.is_short
    assert len(short.entries) == MOST - 1
    assert short.floor == top.floor
    whole = short.made_of([*entries[:-1], lowered])
    assert not whole.is_short
    assert whole.entries == tuple(reversed(entries[49:149]))


def test_a_cursor_reads_back() -> None:
    last = entry(call())
    assert read_cursor(write_cursor(last)) == last
    with pytest.raises(ValueError, match="cursor is invalid"):
        read_cursor(write_cursor(last)[:-4])
