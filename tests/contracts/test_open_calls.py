"""The contract of the sweep's store, on a real engine."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.pricing import settled
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger import open_calls
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.open_calls import DynamoOpenCalls
from switchboard.store.ports import ProjectSweep, StoreBusy, StoreUnavailable
from testkit.samples import NOON, a_key, an_open_trace, one_price
from testkit.stream_events import connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HOUR = timedelta(hours=1)


class Calls:
    """A table with calls, one a minute, of which every third is settled and every other third is finished."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.open = DynamoOpenCalls(client, table)
        self._ledger = DynamoLedger(client, table, random=Random(1))

    def add(self, count: int) -> list[Trace]:
        """The calls that are not settled, oldest first."""
        traces = [an_open_trace(started_at=NOON + timedelta(minutes=number)) for number in range(count)]
        for number, trace in enumerate(traces):
            self.store.open_trace(trace)
            if number % 3 != 1:
                traces[number] = replace(trace, status=Status.OK)
                self.store.complete_trace(traces[number], Bodies())
            if number % 3 == 0:
                self._ledger.settle([settled(traces[number], one_price(None), NOON)])
        return [trace for number, trace in enumerate(traces) if number % 3]


@pytest.fixture
def calls(dynamodb: "DynamoDBClient", table: str) -> Calls:
    return Calls(dynamodb, table)


@pytest.mark.parametrize("rows", [1, 2, 400])
def test_every_unsettled_call_of_the_range_is_in_one_part(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(open_calls, "PAGE_ROWS", rows)
    traces = calls.add(60)
    parts = list(calls.open.unsettled("acme", None, NOON + 2 * HOUR))
    given = list(chain.from_iterable(part.traces for part in parts))
    assert sorted(trace.trace_id for trace in given) == [trace.trace_id for trace in traces]
    assert sorted(given, key=lambda trace: trace.trace_id) == traces
    assert parts[-1].until == NOON + 2 * HOUR
    since, until = NOON + timedelta(minutes=10), NOON + timedelta(minutes=20)
    part_of = chain.from_iterable(part.traces for part in calls.open.unsettled("acme", since, until))
    assert sorted(trace.trace_id for trace in part_of) == [
        trace.trace_id for trace in traces if since <= trace.started_at < until
    ]
    assert list(calls.open.unsettled("acme", until, until)) == []
    assert not any(part.traces for part in calls.open.unsettled("other", None, NOON + HOUR))


@pytest.mark.parametrize("rows", [1, 2, 400])
def test_what_began_before_a_parts_time_is_in_it_or_in_an_earlier_one(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(open_calls, "PAGE_ROWS", rows)
    traces, given, times = calls.add(60), set[str](), list[datetime]()
    for part in calls.open.unsettled("acme", None, NOON + 2 * HOUR):
        given |= {trace.trace_id for trace in part.traces}
        if part.until is not None:
            assert {trace.trace_id for trace in traces if trace.started_at < part.until} <= given
            times.append(part.until)
    assert times == sorted(times)
    assert times


def test_the_checkpoint_never_decreases_nor_creates_a_project(calls: Calls) -> None:
    calls.store.put_key(a_key())
    for until in (NOON, NOON - HOUR):
        calls.open.mark_swept("acme", until, latest=NOON)
    calls.open.mark_swept("nobody", NOON, latest=NOON)
    assert calls.open.projects() == (ProjectSweep("acme", NOON),)


def test_a_checkpoint_later_than_the_latest_possible_one_is_replaced(calls: Calls) -> None:
    calls.store.put_key(a_key())
    calls.open.mark_swept("acme", NOON + 24 * HOUR, latest=NOON + 24 * HOUR)
    calls.open.mark_swept("acme", NOON - HOUR, latest=NOON)
    assert calls.open.projects() == (ProjectSweep("acme", NOON - HOUR),)


def test_an_unreachable_engine_is_busy_and_a_missing_table_is_unavailable(dynamodb_endpoint: str) -> None:
    away = DynamoOpenCalls(connect_once("http://127.0.0.1:9"), "any")
    with pytest.raises(StoreBusy):
        next(iter(away.unsettled("acme", None, NOON)))
    with pytest.raises(StoreUnavailable):
        next(iter(DynamoOpenCalls(connect_once(dynamodb_endpoint), "no-such-table").unsettled("acme", None, NOON)))
