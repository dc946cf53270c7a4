"""An unpriced call gets its price when there is one: from a project's own row, or from a newer book; each call once."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cost_aggregator.project_books import FRESH_S
from switchboard.domain.pricing import settled
from switchboard.store.ports import StoreUnavailable
from switchboard.store.prices import unpriced_calls
from switchboard.store.prices.unpriced_calls import DynamoUnpriced
from testkit.samples import NOON, one_price
from testkit.stream_events import SCHEDULED_EVENT
from testkit.waiting_calls import CARD, Waiting, settle, sum_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def ledger(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Waiting:
    return Waiting(dynamodb, dynamodb_endpoint, table)


def test_waiting_calls_get_their_price_when_the_project_has_one(ledger: Waiting) -> None:
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


def test_a_projects_price_outranks_the_library_and_is_nobody_elses(ledger: Waiting) -> None:
    ledger.prices.add_price("acme", replace(CARD, provider="anthropic", model="claude-sonnet-4-5"))
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
    [own] = ledger.calls(1, **claude)
    [other] = ledger.calls(1, **claude, project="other")
    settle(ledger.sandbox(), [own, other])
    sources = [found.settlement and found.settlement.price for found in map(ledger.stored, (own, other))]
    assert [price and price.source.split()[0] for price in sources] == ["project", "genai-prices"]


def test_a_price_applies_from_its_start_on(ledger: Waiting) -> None:
    traces = ledger.calls(4)
    ledger.prices.add_price("acme", replace(CARD, valid_from=traces[1].started_at))
    settle(ledger.sandbox(), traces)
    assert [cost is None for cost in ledger.costs(traces)] == [False, False, True, True]
    assert ledger.waiting() == 2


def test_calls_are_tried_once_at_the_same_prices(ledger: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox, traces = ledger.sandbox(), ledger.calls(2)
    settle(sandbox, traces)
    sandbox.repricing.reprice(["acme"], lambda: 60_000)
    monkeypatch.setattr(DynamoUnpriced, "calls", None)
    settle(sandbox, ledger.calls(1))
    sandbox.repricing.reprice(["acme"], lambda: 60_000)


def test_a_call_settled_by_a_process_with_older_prices_is_not_passed_by(ledger: Waiting) -> None:
    old, new = ledger.sandbox(1), ledger.sandbox(2)
    settle(old, ledger.calls(1))
    ledger.prices.add_price("acme", CARD)
    assert new.repricing.reprice(["acme"], lambda: 60_000).calls == 1
    late = ledger.calls(1)
    settle(old, late)
    assert ledger.costs(late) == [None]
    assert new.repricing.reprice(["acme"], lambda: 60_000).calls == 1
    assert ledger.waiting() == 0


def test_the_next_run_continues_where_time_ran_out(ledger: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_row_of_a_call_that_is_not_settled_yet_is_kept(ledger: Waiting) -> None:
    [trace] = ledger.calls(1)
    ledger.unpriced.wait([settled(trace, one_price(None), NOON)], "other prices")
    ledger.sandbox().repricing.reprice(["acme"], lambda: 60_000)
    assert ledger.waiting() == 1
    assert ledger.seen.named("call.settled") == []


def test_the_schedule_reprices_and_a_failure_does_not_end_it(ledger: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_prices_are_read_again_after_a_minute_by_either_clock(ledger: Waiting) -> None:
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


def test_a_project_whose_rows_cannot_be_read_does_not_keep_the_others_waiting(
    ledger: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = ledger.calls(1)
    settle(ledger.sandbox(), traces)
    ledger.prices.add_price("acme", CARD)
    models = DynamoUnpriced.models

    def broken(store: DynamoUnpriced, project: str) -> Any:
        if project == "broken":
            raise KeyError("provider")
        return models(store, project)

    monkeypatch.setattr(DynamoUnpriced, "models", broken)
    ledger.sandbox().repricing.sweep(["broken", "acme"], lambda: 60_000)
    assert None not in ledger.costs(traces)
    assert ledger.seen.named("reprice.deferred") == [{"reason": "broken: KeyError: 'provider'"}]


def test_projects_are_asked_for_only_while_there_is_time(ledger: Waiting) -> None:
    asked = list[str]()
    ledger.client.meta.events.register("before-call.dynamodb", lambda model, **_event: asked.append(model.name))
    ledger.sandbox().repricing.sweep([f"project {number}" for number in range(100)], lambda: 0.0)
    assert asked == []
    assert ledger.seen.named("reprice.done") == [{"repriced": 0, "is_complete": False}]
