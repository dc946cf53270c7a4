"""An unpriced call gets its price when there is one: from a project's own row, or from a newer book; each call once."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cost_aggregator.assembly import Aggregator
from cost_aggregator.project_books import FRESH_S
from switchboard.domain.pricing import settled
from switchboard.domain.rates import RateCard, Rates
from switchboard.domain.totals import Totals, totals_of
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.unpriced import UnpricedModel
from switchboard.store import unpriced_calls
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger_totals import DynamoTotals
from switchboard.store.ports import StoreUnavailable
from switchboard.store.project_prices import DynamoPrices
from switchboard.store.unpriced_calls import DynamoUnpriced
from testkit.samples import NOON, a_key, a_usual_usage, an_open_trace, one_price
from testkit.stream_events import SCHEDULED_EVENT, Seen, an_aggregator, connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINE = UnpricedModel("acme", "azure", "my-deployment")
CARD = RateCard(
    "azure",
    "my-deployment",
    Rates(3, 15, 1, 4, 6),
    NOON - timedelta(days=1),
    "project 2026-11-19",
    entry_id="price_1",
)


class Ledger:
    """A table with one project, and sandboxes whose clocks can be moved."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str) -> None:
        self.client, self.endpoint, self.table = client, endpoint, table
        self.now = NOON
        self.seen = Seen()
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.store.put_key(a_key())
        self.prices = DynamoPrices(client, table)
        self.unpriced = DynamoUnpriced(client, table)

    def sandbox(self, seed: int = 1) -> Aggregator:
        client = connect_once(self.endpoint)
        return an_aggregator(client, self.table, self.seen, seed=seed, now=lambda: self.now)

    def calls(self, number: int, **fields: Any) -> list[Trace]:
        """Finished calls in the table; their model has no price unless the fields say otherwise."""
        traces = []
        for minute in range(number):
            trace = an_open_trace(started_at=NOON - timedelta(minutes=minute))
            ended = {"status": Status.OK, "usage": a_usual_usage(), "provider": "azure", "model": "my-deployment"}
            traces.append(replace(trace, **{**ended, **fields}))
            self.store.complete_trace(traces[-1], Bodies())
        return [self.stored(trace) for trace in traces]

    def stored(self, trace: Trace) -> Trace:
        found = self.store.find_trace(trace.project, trace.trace_id)
        assert found
        return found

    def costs(self, traces: list[Trace]) -> list[int | None]:
        return [found.settlement.cost_pico_usd for trace in traces if (found := self.stored(trace)).settlement]

    def total(self) -> Totals:
        [task] = DynamoTotals(self.client, self.table).task_totals("acme")
        return task.totals

    def waiting(self) -> int:
        return sum(len(part.trace_ids) for part in self.unpriced.calls(MINE, None))


@pytest.fixture
def ledger(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Ledger:
    return Ledger(dynamodb, dynamodb_endpoint, table)


def settle(sandbox: Aggregator, traces: list[Trace]) -> None:
    assert sandbox.handle(stream_event(traces), lambda: 60_000) == {"batchItemFailures": []}


def sum_of(ledger: Ledger, traces: list[Trace]) -> Totals:
    return sum((totals_of(ledger.stored(trace)) for trace in traces), Totals())


def test_waiting_calls_get_their_price_when_the_project_has_one(ledger: Ledger) -> None:
    sandbox, traces = ledger.sandbox(), ledger.calls(3)
    settle(sandbox, traces)
    assert (ledger.costs(traces), ledger.total().unpriced_calls, ledger.waiting()) == ([None] * 3, 3, 3)
    sandbox.repricing.reprice(["acme"], lambda: 60_000)
    ledger.prices.add_price("acme", CARD)
    ledger.now += timedelta(seconds=FRESH_S)
    done = sandbox.repricing.reprice(["acme"], lambda: 60_000)
    cost = 212 * 3 + 87 * 15 + 20480
    assert (done.calls, done.pico_usd, done.is_complete) == (3, 3 * cost, True)
    assert ledger.costs(traces) == [cost] * 3
    assert ledger.total() == sum_of(ledger, traces)
    assert ledger.waiting() == 0
    lines = ledger.seen.named("call.settled")[-3:]
    assert {line["revision"] for line in lines} == {1}
    assert {(line["price_source"], line["price_id"]) for line in lines} == {("project 2026-11-19", "price_1")}
    assert {line["lag_ms"] for line in lines} == {None}
    assert sandbox.repricing.reprice(["acme"], lambda: 60_000).calls == 0


def test_a_projects_price_outranks_the_library_and_is_nobody_elses(ledger: Ledger) -> None:
    ledger.prices.add_price("acme", replace(CARD, provider="anthropic", model="claude-sonnet-4-5"))
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
    [own] = ledger.calls(1, **claude)
    [other] = ledger.calls(1, **claude, project="other")
    settle(ledger.sandbox(), [own, other])
    sources = [found.settlement and found.settlement.price for found in map(ledger.stored, (own, other))]
    assert [price and price.source.split()[0] for price in sources] == ["project", "genai-prices"]


def test_a_price_applies_from_its_start_on(ledger: Ledger) -> None:
    traces = ledger.calls(4)
    ledger.prices.add_price("acme", replace(CARD, valid_from=traces[1].started_at))
    settle(ledger.sandbox(), traces)
    assert [cost is None for cost in ledger.costs(traces)] == [False, False, True, True]
    assert ledger.waiting() == 2


def test_calls_are_tried_once_at_the_same_prices(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox, traces = ledger.sandbox(), ledger.calls(2)
    settle(sandbox, traces)
    sandbox.repricing.reprice(["acme"], lambda: 60_000)
    monkeypatch.setattr(DynamoUnpriced, "calls", None)
    settle(sandbox, ledger.calls(1))
    sandbox.repricing.reprice(["acme"], lambda: 60_000)


def test_a_call_settled_by_a_process_with_older_prices_is_not_passed_by(ledger: Ledger) -> None:
    old, new = ledger.sandbox(1), ledger.sandbox(2)
    settle(old, ledger.calls(1))
    ledger.prices.add_price("acme", CARD)
    assert new.repricing.reprice(["acme"], lambda: 60_000).calls == 1
    late = ledger.calls(1)
    settle(old, late)
    assert ledger.costs(late) == [None]
    assert new.repricing.reprice(["acme"], lambda: 60_000).calls == 1
    assert ledger.waiting() == 0


def test_the_next_run_continues_where_time_ran_out(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpriced_calls, "PART_CALLS", 2)
    traces = ledger.calls(20)
    settle(ledger.sandbox(), traces)
    ledger.prices.add_price("acme", CARD)
    runs, unpriced = 0, 20
    while unpriced:
        left = iter([60_000.0] * 3)
        done = ledger.sandbox(runs).repricing.reprice(["acme"], lambda left=left: next(left, 0.0))  # type: ignore[misc]
        assert ledger.total() == sum_of(ledger, traces)
        assert 0 < done.calls <= 4
        runs, unpriced = runs + 1, ledger.total().unpriced_calls
    assert runs > 4
    assert ledger.waiting() == 0


def test_the_row_of_a_call_that_is_not_settled_yet_is_kept(ledger: Ledger) -> None:
    [trace] = ledger.calls(1)
    ledger.unpriced.wait([settled(trace, one_price(None), NOON)], "other prices")
    ledger.sandbox().repricing.reprice(["acme"], lambda: 60_000)
    assert ledger.waiting() == 1
    assert ledger.seen.named("call.settled") == []


class Killed(BaseException):
    """The process ends."""


@pytest.mark.parametrize("request_name", ["TransactWriteItems", "DeleteItem", "UpdateItem", "PutItem"])
def test_a_process_that_ends_anywhere_leaves_nothing_undone(ledger: Ledger, request_name: str) -> None:
    traces = ledger.calls(6)
    settle(ledger.sandbox(), traces)
    ledger.prices.add_price("acme", CARD)
    for number in range(12):
        client = connect_once(ledger.endpoint)
        left = [number // 2]

        def end(left: list[int] = left, **_event: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        client.meta.events.register(f"{('before-send', 'after-call')[number % 2]}.dynamodb.{request_name}", end)
        with suppress(Killed):
            an_aggregator(client, ledger.table, ledger.seen, seed=number).repricing.reprice(["acme"], lambda: 60_000)
        assert ledger.total() == sum_of(ledger, traces)
    ledger.sandbox(99).repricing.reprice(["acme"], lambda: 60_000)
    assert ledger.total() == sum_of(ledger, traces)
    assert ledger.total().unpriced_calls == ledger.waiting() == 0
    told = {line["trace_id"] for line in ledger.seen.named("call.settled") if line["revision"] == 1}
    assert told == {trace.trace_id for trace in traces}


def test_the_schedule_reprices_and_a_failure_does_not_end_it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    traces = ledger.calls(1)
    settle(ledger.sandbox(), traces)
    ledger.prices.add_price("acme", CARD)

    def away(*_: object) -> Any:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(DynamoUnpriced, "models", away)
        ledger.sandbox().handle(SCHEDULED_EVENT, lambda: 60_000)
    assert ledger.seen.named("reprice.deferred") == [{"reason": "away"}]
    ledger.sandbox().handle(SCHEDULED_EVENT, lambda: 60_000)
    assert ledger.total().unpriced_calls == 0
    assert ledger.seen.named("reprice.done") == [{"repriced": 1, "is_complete": True}]


def test_prices_are_read_again_after_a_minute_by_either_clock(ledger: Ledger) -> None:
    sandbox = ledger.sandbox()
    books = sandbox.repricing.books
    first = books.of("acme")
    ledger.prices.add_price("acme", CARD)
    ledger.now += timedelta(seconds=FRESH_S * 0.9)
    assert books.of("acme") is first
    ledger.now = NOON + timedelta(seconds=FRESH_S)
    second = books.of("acme")
    assert second.fingerprint != first.fingerprint
    assert second.card("azure", "My-Deployment", NOON) == CARD
