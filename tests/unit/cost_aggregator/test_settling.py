"""A batch: what is settled, what goes to the poison queue, what is delivered again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cost_aggregator.backoff import FIRST_PAUSE_S, LONGEST_PAUSE_S, ONE_TRY_MS
from switchboard.domain.conversation_facts import facts_of
from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Failure, Status, Trace
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.store.ports import StoreBusy, StoreUnavailable
from testkit.samples import NOON, a_lost_hedge, an_open_trace
from testkit.scripted_settling import Books, Hand, ScriptedLedger, ScriptedRows, finished, number
from testkit.stream_events import stream_event, stream_record


def test_a_batch_is_settled_in_few_transactions() -> None:
    hand = Hand(ScriptedLedger())
    traces = [finished(second) for second in range(120)]
    assert hand.settle(stream_event(traces)) == ()
    assert hand.ledger.groups == [50, 50, 20]
    assert len(hand.ledger.kept) == 120
    assert len(hand.seen.named("call.settled")) == 120
    [metrics] = hand.seen.metrics
    assert metrics["Settled"] == ("Count", [120])
    assert metrics["Lag"][1][0] == 500


def test_a_trace_delivered_twice_is_settled_once_and_logged_again() -> None:
    hand = Hand(ScriptedLedger())
    trace = finished()
    for _ in range(2):
        assert hand.settle(stream_event([trace, trace])) == ()
    assert hand.ledger.groups == [1, 1]
    first, second = hand.seen.named("call.settled")
    assert first == second
    assert first["trace_id"] == trace.trace_id
    assert first["cost_usd"] == "0.000000022421"
    assert first["hour"] == "2026-11-20T12"
    assert first["cost_pico_usd"] == 212 * 3 + 20480 + 87 * 15
    assert [metrics["Settled"] for metrics in hand.seen.metrics] == [("Count", [1])]


@pytest.mark.parametrize(
    ("fields", "cost", "is_unpriced"),
    [
        ({}, 212 * 3 + 20480 + 87 * 15, False),
        ({"model": "unknown"}, None, True),
        ({"status": Status.REFUSED, "usage": ABSENT, "failure": Failure("no", "No.", 400)}, 0, False),
        ({"status": Status.TIMEOUT, "usage": ABSENT, "model": "unknown"}, 0, False),
        ({"status": Status.OK, "usage": ABSENT}, None, True),
        ({"status": Status.LOST, "usage": ABSENT}, None, True),
        ({"status": Status.TRUNCATED, "usage": ABSENT, "ttft_ms": 300.0}, None, True),
        ({"usage": Usage(UsageSource.PROVIDER, Tokens(0, 0)), "model": "unknown"}, 0, False),
    ],
)
def test_an_unknown_cost_is_not_zero(fields: Any, cost: int | None, is_unpriced: bool) -> None:
    hand = Hand(ScriptedLedger())
    hand.settle(stream_event([finished(**fields)]))
    [trace] = hand.ledger.kept.values()
    assert trace.settlement is not None
    assert trace.settlement.cost_pico_usd == cost
    [line] = hand.seen.named("call.settled")
    assert line["unpriced"] is is_unpriced
    assert (line["cost_usd"] is None) is is_unpriced
    assert hand.seen.metrics[0].get("Unpriced") == (("Count", [1]) if is_unpriced else None)


def test_an_unpriced_call_names_the_attempt_whose_price_is_missing() -> None:
    hand = Hand(ScriptedLedger())
    lost = replace(a_lost_hedge(), model="unknown")
    hand.settle(stream_event([finished(attempts=(lost,)), finished(attempts=(a_lost_hedge(),)), finished()]))
    lines = hand.seen.named("call.settled")
    assert [(line["unpriced_provider"], line["unpriced_model"]) for line in lines] == [
        ("groq", "unknown"),
        (None, None),
        (None, None),
    ]
    own = 212 * 3 + 20480 + 87 * 15
    assert [line["cost_pico_usd"] for line in lines] == [None, own + 5173 * 3, own]
    assert all(line["model"] == "claude-sonnet-4-5" for line in lines)


def test_other_records_are_skipped() -> None:
    hand = Hand(ScriptedLedger())
    settled = finished(settlement=Settlement(NOON, 5))
    deleted = stream_record(finished())
    del deleted["dynamodb"]["NewImage"]
    other = stream_record(finished())
    other["dynamodb"]["NewImage"] = {"kind": {"S": "totals"}}
    records = [stream_record(an_open_trace()), stream_record(settled), deleted, other]
    assert hand.settle({"Records": records}) == ()
    assert hand.ledger.groups == []
    assert hand.seen.lines == []
    assert hand.seen.metrics == []


def test_an_unreadable_row_goes_to_the_poison_queue_and_the_others_are_settled() -> None:
    hand = Hand(ScriptedLedger())
    event = stream_event([finished(), finished(), finished(model="broken")])
    event["Records"][0]["dynamodb"]["NewImage"]["started_at"] = {"S": "yesterday"}
    assert hand.settle(event) == ()
    assert len(hand.ledger.kept) == 1
    first, second = hand.seen.poison
    assert first.record_id.sequence_number == number(1)
    assert "yesterday" in first.reason
    assert first.record_id.sk == event["Records"][0]["dynamodb"]["Keys"]["sk"]["S"]
    assert second.reason == "cannot be priced: OverflowError: too long ago"
    assert [line["sk"] for line in hand.seen.named("trace.poisoned")] == [first.record_id.sk, second.record_id.sk]
    assert hand.seen.metrics[0]["Poisoned"] == ("Count", [2])


def test_the_trace_that_the_store_refuses_is_isolated() -> None:
    traces = [finished(second) for second in range(40)]
    hand = Hand(ScriptedLedger(refuses=[traces[13]]))
    assert hand.settle(stream_event(traces)) == ()
    assert len(hand.ledger.kept) == 39
    [poison] = hand.seen.poison
    assert poison.record_id.sk == traces[13].trace_id
    assert "maximum allowed size" in poison.reason


def test_a_record_that_the_queue_does_not_accept_is_delivered_again() -> None:
    hand = Hand(ScriptedLedger())
    hand.seen.queue_is_away = True
    assert hand.settle(stream_event([finished(), finished(model="broken")])) == (number(2),)
    assert hand.seen.named("trace.poisoned") == []
    assert len(hand.ledger.kept) == 1


def test_a_busy_store_is_retried_with_backoff() -> None:
    hand = Hand(ScriptedLedger(*[StoreBusy("conflict")] * 12))
    assert hand.settle(stream_event([finished()])) == ()
    assert len(hand.pauses) == 12
    for tries, pause_s in enumerate(hand.pauses, start=1):
        assert 0 <= pause_s <= min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**tries)
    assert max(hand.pauses[6:]) > max(hand.pauses[:3])


def test_calls_not_settled_in_time_are_delivered_again() -> None:
    hand = Hand(ScriptedLedger(*[StoreBusy("conflict")] * 1000))
    event = stream_event([finished(second) for second in range(60)])
    failed = hand.settle(event, lambda: 20_000 - 1000 * sum(hand.pauses))
    assert sorted(failed) == [number(place) for place in range(1, 61)]
    assert 5 < len(hand.ledger.groups) < 30
    assert sum(hand.pauses) <= 20 - ONE_TRY_MS / 1000
    assert [line["records"] for line in hand.seen.named("batch.deferred")] == [50, 10]


def test_no_transaction_is_started_without_time_for_it() -> None:
    hand = Hand(ScriptedLedger())
    assert hand.settle(stream_event([finished()]), lambda: ONE_TRY_MS - 1) == (number(1),)
    assert hand.ledger.groups == []


def test_an_unavailable_store_is_not_retried() -> None:
    hand = Hand(ScriptedLedger(StoreUnavailable("no such table")))
    trace = finished()
    assert hand.settle(stream_event([trace, trace])) == (number(1), number(2))
    assert hand.pauses == []
    assert hand.seen.metrics == []


def test_rows_beside_the_transaction_are_written_for_calls_settled_now_and_before() -> None:
    rows = ScriptedRows()
    hand = Hand(ScriptedLedger(), rows)
    first, second = finished(), finished(1)
    assert hand.settle(stream_event([first])) == ()
    assert hand.settle(stream_event([first, second])) == ()
    assert [set(written) for written in rows.written] == [{first.trace_id}, {first.trace_id, second.trace_id}]


@pytest.mark.parametrize(("error", "again"), [(StoreBusy("conflict"), ()), (StoreUnavailable("away"), (number(1),))])
def test_rows_that_are_not_written_are_tried_again_before_the_record_is_done(
    error: Exception, again: tuple[str, ...]
) -> None:
    rows = ScriptedRows(error)
    hand = Hand(ScriptedLedger(), rows)
    trace = finished()
    assert hand.settle(stream_event([trace])) == again
    if again:
        assert hand.settle(stream_event([trace])) == ()
    assert rows.written == [(trace.trace_id,)]
    assert len(hand.seen.named("call.settled")) == 1 + len(again)
    assert [metrics["Settled"] for metrics in hand.seen.metrics] == [("Count", [1])]


def test_a_call_whose_projects_prices_cannot_be_read_is_delivered_again() -> None:
    hand = Hand(ScriptedLedger())
    hand.books.errors = [StoreUnavailable("away")]
    traces = [finished(), finished(1)]
    assert hand.settle(stream_event(traces)) == (number(1),)
    assert hand.ledger.kept.keys() == {traces[1].trace_id}
    assert hand.seen.poison == []


def test_prices_are_not_asked_for_without_time(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = Hand(ScriptedLedger())
    left = [60_000.0, ONE_TRY_MS - 1]

    def away(_books: Books, _project: str) -> Any:
        left.pop(0)
        raise StoreUnavailable("away")

    monkeypatch.setattr(Books, "of", away)
    traces = [finished(), finished(1), finished(2)]
    assert hand.settle(stream_event(traces), lambda: left[0]) == tuple(map(number, (1, 2, 3)))
    assert len(left) == 1


class ReadingRows(ScriptedRows):
    """Rows that are made from what calls tell, and so fail on a call that tells the impossible."""

    def write(self, traces: Sequence[Trace]) -> None:
        for trace in traces:
            facts_of(trace)
        super().write(traces)


def test_a_call_that_no_row_can_be_made_of_does_not_block_the_others() -> None:
    rows = ReadingRows()
    hand = Hand(ScriptedLedger(), rows)
    uncountable = finished(1, started_at=datetime(9998, 12, 31, tzinfo=UTC), prompt_version="0123456789ab")
    unwritable = replace(finished(2), duration_ms=1e120)
    traces = [finished(), uncountable, unwritable, finished(3)]
    assert hand.settle(stream_event(traces)) == ()
    assert hand.ledger.kept.keys() == {traces[place].trace_id for place in (0, 2, 3)}
    assert {each for written in rows.written for each in written} == {traces[0].trace_id, traces[3].trace_id}
    assert [(poison.record_id.sk, poison.reason.partition(": ")[0]) for poison in hand.seen.poison] == [
        (uncountable.trace_id, "cannot be counted"),
        (unwritable.trace_id, "cannot be written"),
    ]
