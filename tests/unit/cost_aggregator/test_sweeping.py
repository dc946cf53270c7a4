"""Calls that nobody settles: found once, settled once, also after an interrupted sweep and after a wrong clock."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from cost_aggregator.backoff import ONE_TRY_MS, Backoff
from cost_aggregator.settling import Settling
from cost_aggregator.sweeping import LOST, OPEN_FOR, SWEEP_EVERY, Sweeping
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.totals import Totals
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.usage import estimate
from switchboard.store.attributes import encode_item
from switchboard.store.conversations.conversation_facts import DynamoConversationFacts
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger import open_calls
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.open_calls import DynamoOpenCalls
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.ports import FoundLost, StoreUnavailable, SweepPart, WriteRefused
from switchboard.store.traces import trace_items
from testkit.samples import NOON, a_key, a_usual_usage, an_open_trace, one_price
from testkit.stream_events import Seen, an_aggregator, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARD = RateCard("anthropic", "claude-sonnet-4-5", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")
PART_MS = 1000
"""What reading a part takes, where a test counts time."""


class Watched(DynamoOpenCalls):
    """Records the requested periods and the parts that were read, and can be interrupted."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        super().__init__(client, table)
        self.asked: list[tuple[str, datetime | None, datetime]] = []
        self.parts = 0
        self.losses_left = 1000
        self.refused: set[str] = set()

    def unsettled(self, project: str, since: datetime | None, until: datetime) -> Iterator[SweepPart]:
        self.asked.append((project, since, until))
        for part in super().unsettled(project, since, until):
            self.parts += 1
            yield part

    def mark_lost(self, trace: Trace) -> bool:
        self.losses_left -= 1
        if self.losses_left < 0:
            raise StoreUnavailable("cut off")
        if trace.trace_id in self.refused:
            raise WriteRefused("Item size has exceeded the maximum allowed size")
        return super().mark_lost(trace)


class Sweep:
    """A sweep with an adjustable clock."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self.client = client
        self.table = table
        self.now = NOON
        self.seen = Seen()
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.calls = Watched(client, table)
        telemetry = Telemetry(self.seen, self.seen.emit)
        backoff = Backoff(lambda _seconds: None, Random(1))
        ledger = DynamoLedger(client, table, random=Random(1))
        book = type("Book", (), {"card": staticmethod(one_price(CARD))})()
        prices = type("Books", (), {"of": staticmethod(lambda _project: book)})()
        rows = [DynamoConversationFacts(client, table)]
        settling = Settling(ledger, prices, self.seen, telemetry, backoff, lambda: self.now, rows)
        self.use_case = Sweeping(self.calls, settling, telemetry, backoff, lambda: self.now)

    def run(self, remaining_ms: float = 60_000) -> None:
        self.use_case.sweep(lambda: remaining_ms)

    def run_for(self, parts: int) -> None:
        """A sweep that has time for this many parts."""
        ends_at = (self.calls.parts + parts) * PART_MS
        self.use_case.sweep(lambda: ONE_TRY_MS + ends_at - 1 - self.calls.parts * PART_MS)

    def open(self, minutes_ago: float, project: str = "acme") -> Trace:
        trace = an_open_trace(project=project, started_at=self.now - timedelta(minutes=minutes_ago))
        trace = replace(trace, usage=estimate(4000, 0))
        self.store.open_trace(trace)
        return trace

    def finish(self, minutes_ago: float, project: str = "acme") -> Trace:
        trace = replace(self.open(minutes_ago, project), status=Status.OK, usage=a_usual_usage(), duration_ms=900.0)
        self.store.complete_trace(trace, Bodies())
        return trace

    def kept(self, trace: Trace) -> Trace | None:
        return self.store.find_trace(trace.project, trace.trace_id)

    def is_settled(self, trace: Trace) -> bool:
        kept = self.kept(trace)
        return kept is not None and kept.settlement is not None

    def is_lost(self, trace: Trace) -> bool:
        kept = self.kept(trace)
        return kept is not None and replace(kept, settlement=None) == replace(trace, status=Status.LOST, failure=LOST)

    def totals(self, project: str = "acme") -> Totals:
        [task] = DynamoTotals(self.client, self.table).task_totals(project)
        return task.totals

    def checkpoint(self, project: str = "acme") -> datetime | None:
        return {each.project: each.until for each in self.calls.projects()}[project]


@pytest.fixture
def sweep(dynamodb: "DynamoDBClient", table: str) -> Sweep:
    sweep = Sweep(dynamodb, table)
    sweep.store.put_key(a_key("sb-one", "acme"))
    sweep.store.put_key(a_key("sb-two", "umbrella#corp"))
    sweep.store.put_key(a_key("sb-three", "acme"))
    return sweep


def test_a_call_open_for_too_long_is_lost_and_settled(sweep: Sweep) -> None:
    old, other = sweep.open(16), sweep.open(60 * 24 * 20, "umbrella#corp")
    young = sweep.open(14)
    sweep.run()
    for trace in (old, other):
        assert sweep.is_lost(trace)
        assert sweep.is_settled(trace)
        assert sweep.totals(trace.project).calls == 1
    assert sweep.kept(young) == young
    assert {line["trace_id"] for line in sweep.seen.named("call.lost")} == {old.trace_id, other.trace_id}
    assert {line["trace_id"] for line in sweep.seen.named("call.settled")} == {old.trace_id, other.trace_id}
    assert sweep.seen.named("sweep.done") == [{"lost": 2, "settled": 0, "is_complete": True}]


def test_a_finished_call_that_nobody_settled_is_settled_once(sweep: Sweep) -> None:
    passed_by = [sweep.finish(16 + number / 10) for number in range(120)]
    young = sweep.finish(14)
    sweep.run()
    assert all(map(sweep.is_settled, passed_by))
    assert not sweep.is_settled(young)
    assert sweep.seen.named("sweep.done") == [{"lost": 0, "settled": 120, "is_complete": True}]
    one_cost = sweep.totals().cost_pico_usd // 120
    # The stream brings the same calls later, and another sweep sees them again.
    aggregator = an_aggregator(sweep.client, sweep.table, Seen())
    aggregator.handle(stream_event(passed_by), lambda: 60_000)
    sweep.now += timedelta(minutes=5)
    sweep.run()
    assert (sweep.totals().calls, sweep.totals().cost_pico_usd) == (121, 121 * one_cost)


def test_what_the_stream_has_settled_is_left_alone(sweep: Sweep) -> None:
    trace = sweep.finish(16)
    an_aggregator(sweep.client, sweep.table, Seen()).handle(stream_event([trace]), lambda: 60_000)
    sweep.run()
    assert sweep.totals().calls == 1
    assert sweep.seen.named("call.settled") == []
    assert sweep.seen.named("sweep.done") == [{"lost": 0, "settled": 0, "is_complete": True}]


def test_a_lost_call_keeps_what_it_had_produced(sweep: Sweep) -> None:
    trace = sweep.open(20)
    spoken = replace(trace, usage=estimate(4000, 400), ttft_ms=412.5)
    sweep.store.open_trace(spoken)
    sweep.run()
    assert sweep.is_lost(spoken)


def test_each_period_is_checked_once(sweep: Sweep) -> None:
    first, second = sweep.open(16), sweep.open(15)
    sweep.run()
    assert sweep.kept(second) == second
    sweep.now += timedelta(minutes=5)
    sweep.run()
    assert sweep.is_lost(first)
    assert sweep.is_lost(second)
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
    assert all(map(sweep.is_lost, traces))
    assert len(sweep.seen.named("call.lost")) == 5
    assert sweep.totals().calls == 5


def test_a_sweep_that_runs_out_of_time_is_continued_by_the_next(sweep: Sweep) -> None:
    trace = sweep.open(20)
    sweep.run(remaining_ms=100)
    assert sweep.kept(trace) == trace
    assert sweep.seen.named("sweep.done") == [{"lost": 0, "settled": 0, "is_complete": False}]
    sweep.run()
    assert sweep.seen.named("sweep.done")[1] == {"lost": 1, "settled": 0, "is_complete": True}


def test_a_sweep_looks_at_the_time_also_where_nothing_is_open_and_keeps_how_far_it_came(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = [sweep.finish(100 - number) for number in range(80)]
    an_aggregator(sweep.client, sweep.table, Seen()).handle(stream_event(traces), lambda: 60_000)
    monkeypatch.setattr(open_calls, "PAGE_ROWS", 3)
    checkpoints = []
    for _ in range(20):
        sweep.run_for(parts=12)
        checkpoints.append(sweep.checkpoint())
        if sweep.seen.named("sweep.done")[-1]["is_complete"]:
            break
    assert len(checkpoints) > 2
    assert checkpoints == sorted(filter(None, checkpoints))
    assert checkpoints[-1] == NOON - OPEN_FOR
    assert sweep.calls.parts < 80, "no part is read again and again"


def test_no_call_is_missed_between_parts(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_calls, "PAGE_ROWS", 2)
    calls = [sweep.finish(16 + number / 1000) if number % 3 else sweep.open(16 + number / 1000) for number in range(60)]
    for _ in range(20):
        sweep.run_for(parts=9)
    assert all(map(sweep.is_settled, calls))
    assert sweep.totals().calls == 60


def test_a_project_with_many_calls_does_not_keep_the_others_waiting(sweep: Sweep) -> None:
    calls = [sweep.open(20), sweep.open(20, "umbrella#corp")]
    for _ in range(2):
        sweep.run_for(parts=1)
        sweep.now += SWEEP_EVERY
    assert {project for project, *_ in sweep.calls.asked} == {"acme", "umbrella#corp"}
    assert not any(map(sweep.is_settled, calls)), "one part of eight was read of each"


def test_a_checkpoint_of_a_clock_that_was_ahead_is_mended(sweep: Sweep) -> None:
    sweep.now += timedelta(days=1)
    sweep.run()
    sweep.now = NOON
    lost, finished = sweep.open(16), sweep.finish(600)
    assert sweep.checkpoint() == NOON + timedelta(days=1) - OPEN_FOR
    sweep.run()
    assert sweep.is_lost(lost)
    assert sweep.is_settled(finished)
    assert sweep.checkpoint() == sweep.checkpoint("umbrella#corp") == NOON - OPEN_FOR
    sweep.now += timedelta(minutes=5)
    sweep.run()
    assert sweep.calls.asked[-1][1] == NOON - OPEN_FOR, "from then on as always"


def test_a_checkpoint_is_never_ahead_of_now(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_calls, "PAGE_ROWS", 1)
    for minutes_ago in (-60, -1, 0, 14, 16, 18, 20, 22):
        sweep.open(minutes_ago)
    for parts in range(1, 12):
        sweep.run_for(parts)
        assert (sweep.checkpoint() or datetime.min.replace(tzinfo=UTC)) <= sweep.now - OPEN_FOR


def test_a_row_that_cannot_be_read_or_marked_is_put_into_the_queue_and_blocks_no_other(sweep: Sweep) -> None:
    unreadable, refused, good = sweep.finish(20), sweep.open(19), sweep.open(18)
    image = encode_item({**trace_items.to_item(unreadable, 2_000_000_000), "status": "no status"})
    sweep.client.put_item(TableName=sweep.table, Item=image)
    sweep.calls.refused = {refused.trace_id}
    sweep.run()
    assert sweep.is_settled(good)
    assert {poison.record_id.sk for poison in sweep.seen.poison} == {unreadable.trace_id, refused.trace_id}
    assert {poison.record_id.sequence_number for poison in sweep.seen.poison} == {""}
    assert sweep.checkpoint() == NOON - OPEN_FOR


def test_while_the_queue_is_away_the_checkpoint_stays(sweep: Sweep) -> None:
    sweep.calls.refused = {sweep.open(19).trace_id}
    sweep.seen.queue_is_away = True
    sweep.run()
    assert sweep.checkpoint() is None
    assert sweep.seen.named("sweep.done")[-1]["is_complete"] is False
    sweep.seen.queue_is_away = False
    sweep.run()
    assert len(sweep.seen.poison) == 1


def test_a_call_that_ends_during_the_sweep_is_not_lost_and_a_lost_one_stays_lost(sweep: Sweep) -> None:
    trace = sweep.open(20)
    ended = replace(trace, status=Status.OK)
    sweep.store.complete_trace(ended, Bodies())
    assert not sweep.calls.mark_lost(replace(trace, status=Status.LOST, failure=LOST))
    assert sweep.kept(trace) == ended
    late = sweep.open(21)
    sweep.run()
    with pytest.raises(FoundLost):
        sweep.store.complete_trace(replace(late, status=Status.OK), Bodies())
    assert sweep.is_lost(late)
