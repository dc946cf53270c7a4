"""Calls whose end was never written: marked as lost once, also after an interrupted sweep."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from cost_aggregator.backoff import Backoff
from cost_aggregator.sweeping import LOST, OPEN_FOR, Sweeping
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.usage import estimate
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger_sweep import DynamoOpenCalls
from switchboard.store.ports import ProjectSweep, StoreUnavailable
from testkit.samples import NOON, a_key, an_open_trace
from testkit.stream_events import Seen

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Watched(DynamoOpenCalls):
    """Records the requested periods, and can be interrupted."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        super().__init__(client, table)
        self.asked: list[tuple[str, datetime | None, datetime]] = []
        self.losses_left = 1000

    def open_traces(self, project: str, since: datetime | None, until: datetime) -> Iterator[Trace]:
        self.asked.append((project, since, until))
        return super().open_traces(project, since, until)

    def mark_lost(self, trace: Trace) -> bool:
        self.losses_left -= 1
        if self.losses_left < 0:
            raise StoreUnavailable("cut off")
        return super().mark_lost(trace)


class Sweep:
    """A sweep with an adjustable clock."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self.now = NOON
        self.seen = Seen()
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.calls = Watched(client, table)
        telemetry = Telemetry(self.seen, self.seen.emit)
        backoff = Backoff(lambda _seconds: None, Random(1))
        self.use_case = Sweeping(self.calls, telemetry, backoff, lambda: self.now)

    def run(self, remaining_ms: float = 60_000) -> None:
        self.use_case.sweep(lambda: remaining_ms)

    def open(self, minutes_ago: float, project: str = "acme") -> Trace:
        trace = an_open_trace(project=project, started_at=NOON - timedelta(minutes=minutes_ago))
        trace = replace(trace, usage=estimate(4000, 0))
        self.store.open_trace(trace)
        return trace

    def kept(self, trace: Trace) -> Trace | None:
        return self.store.find_trace(trace.project, trace.trace_id)


@pytest.fixture
def sweep(dynamodb: "DynamoDBClient", table: str) -> Sweep:
    sweep = Sweep(dynamodb, table)
    sweep.store.put_key(a_key("sb-one", "acme"))
    sweep.store.put_key(a_key("sb-two", "umbrella#corp"))
    sweep.store.put_key(a_key("sb-three", "acme"))
    return sweep


def test_a_call_open_for_too_long_is_lost(sweep: Sweep) -> None:
    old, other = sweep.open(16), sweep.open(60 * 24 * 20, "umbrella#corp")
    young = sweep.open(14)
    finished = sweep.open(30)
    sweep.store.complete_trace(replace(finished, status=Status.OK), Bodies())
    sweep.run()
    for trace in (old, other):
        assert sweep.kept(trace) == replace(trace, status=Status.LOST, failure=LOST)
    assert sweep.kept(young) == young
    assert sweep.kept(finished) == replace(finished, status=Status.OK)
    assert {line["trace_id"] for line in sweep.seen.named("call.lost")} == {old.trace_id, other.trace_id}
    assert sweep.seen.named("sweep.done") == [{"lost": 2, "is_complete": True}]


def test_a_lost_call_keeps_what_it_had_produced(sweep: Sweep) -> None:
    trace = sweep.open(20)
    spoken = replace(trace, usage=estimate(4000, 400), ttft_ms=412.5)
    sweep.store.open_trace(spoken)
    sweep.run()
    assert sweep.kept(trace) == replace(spoken, status=Status.LOST, failure=LOST)


def test_each_period_is_checked_once(sweep: Sweep) -> None:
    first, second = sweep.open(16), sweep.open(15)
    sweep.run()
    assert sweep.kept(second) == second
    sweep.now += timedelta(minutes=5)
    sweep.run()
    assert sweep.kept(first) == replace(first, status=Status.LOST, failure=LOST)
    assert sweep.kept(second) == replace(second, status=Status.LOST, failure=LOST)
    since = NOON - OPEN_FOR
    assert [span[1:] for span in sweep.calls.asked if span[0] == "acme"] == [
        (None, since),
        (since, since + timedelta(minutes=5)),
    ]
    sweep.run()
    assert len(sweep.calls.asked) == 4


def test_an_interrupted_sweep_is_repeated(sweep: Sweep) -> None:
    traces = [sweep.open(20 + number) for number in range(5)]
    sweep.calls.losses_left = 2
    with pytest.raises(StoreUnavailable):
        sweep.run()
    sweep.calls.losses_left = 1000
    sweep.run()
    assert all(kept and kept.status is Status.LOST for kept in map(sweep.kept, traces))
    assert len(sweep.seen.named("call.lost")) == 5


def test_a_sweep_that_runs_out_of_time_is_continued_by_the_next(sweep: Sweep) -> None:
    trace = sweep.open(20)
    sweep.run(remaining_ms=100)
    assert sweep.kept(trace) == trace
    assert sweep.seen.named("sweep.done") == [{"lost": 0, "is_complete": False}]
    sweep.run()
    assert sweep.seen.named("sweep.done")[1] == {"lost": 1, "is_complete": True}


def test_a_call_that_ends_during_the_sweep_is_not_lost_and_a_lost_one_stays_lost(sweep: Sweep) -> None:
    trace = sweep.open(20)
    ended = replace(trace, status=Status.OK)
    sweep.store.complete_trace(ended, Bodies())
    assert not sweep.calls.mark_lost(replace(trace, status=Status.LOST, failure=LOST))
    assert sweep.kept(trace) == ended
    late = sweep.open(21)
    sweep.run()
    sweep.store.complete_trace(replace(late, status=Status.OK), Bodies())
    assert sweep.kept(late) == replace(late, status=Status.LOST, failure=LOST)


def test_the_checkpoint_never_decreases_nor_creates_a_project(sweep: Sweep) -> None:
    sweep.calls.mark_swept("acme", NOON)
    sweep.calls.mark_swept("acme", NOON - timedelta(hours=1))
    sweep.calls.mark_swept("nobody", NOON)
    sweep.store.put_key(a_key("sb-four", "acme"))
    assert sweep.calls.projects() == (ProjectSweep("acme", NOON), ProjectSweep("umbrella#corp", None))
