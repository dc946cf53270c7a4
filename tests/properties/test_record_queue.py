"""Whatever the store does, each record of a finished call is written, or told once; and nothing is left behind."""

import asyncio
from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.recording.record_queue import Record, RecordQueue
from switchboard.domain.trace import Bodies, Status
from switchboard.store.ports import BodiesUnwritten, RowRefused, StoreUnavailable
from testkit.inline_executor import InlineExecutor
from testkit.memory_store import MemoryStore
from testkit.samples import an_open_trace
from testkit.virtual_time import run_in_virtual_time

FAULTS = [None, StoreUnavailable("away"), RowRefused("too large"), BodiesUnwritten("slow"), KeyError("ours")]

put = st.tuples(st.just("put"), st.integers(0, 30_000))
steps = st.lists(
    st.one_of(
        put,
        put,
        st.tuples(st.just("fault"), st.sampled_from(range(len(FAULTS)))),
        st.tuples(st.just("hang"), st.booleans().map(int)),
        st.tuples(st.just("sleep"), st.integers(0, 5000)),
        st.tuples(st.just("give up"), st.integers(0, 20)),
    ),
    max_size=30,
)


async def play(script: list[tuple[str, int]]) -> None:
    store, executor, told = MemoryStore(), InlineExecutor(), list[str]()
    queue = RecordQueue(
        store,
        lambda record, _reason: told.append(record.trace.trace_id),
        Random(1),
        writers=executor,
        max_waiting_bytes=100_000,
    )
    records: list[Record] = []
    for what, number in script:
        if what == "put":
            trace = replace(an_open_trace(), status=Status.OK)
            record = Record(trace, asyncio.get_running_loop().create_future(), Bodies(b"x" * number, None))
            records.append(record)
            queue.put(record)
        elif what == "fault":
            store.fail_with(FAULTS[number])
        elif what == "hang":
            executor.hangs = bool(number)
        elif what == "sleep":
            await asyncio.sleep(number / 1000)
        elif number < len(records):
            queue.give_up(records[number], "late")
    left = queue.waiting
    dropped = await queue.drain(until_s=5, progress=lambda _waiting: None)
    assert dropped <= left
    assert queue.waiting == 0
    assert queue._waiting_bytes == 0
    written = {trace.trace_id for trace in store.traces.values()}
    assert set(Counter(told).values()) <= {1}
    for record in records:
        is_told = record.trace.trace_id in told
        assert record.over.done()
        assert record.over.result() is not is_told
        assert is_told or record.trace.trace_id in written


@settings(max_examples=150, deadline=None)
@given(steps)
def test_each_record_is_written_or_told_once(script: list[tuple[str, int]]) -> None:
    run_in_virtual_time(play(script))
