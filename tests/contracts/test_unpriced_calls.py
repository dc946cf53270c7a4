"""Calls that wait for a price, on a real engine: found by model, tried once at the same prices, never passed by."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.pricing import settled
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.unpriced import Progress, UnpricedModel
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.prices import unpriced_calls
from switchboard.store.prices.unpriced_calls import DynamoUnpriced
from testkit.dynamodb import items_of
from testkit.samples import NOON, a_lost_hedge, a_usual_usage, an_open_trace, one_price

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLAUDE = UnpricedModel("acme", "anthropic", "claude-sonnet-4-5")
LLAMA = UnpricedModel("acme", "groq", "llama-3.3-70b-versatile")
A_DAY = 86_400


class Rows:
    """A table with its store and its waiting calls."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self.client, self.table = client, table
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.unpriced = DynamoUnpriced(client, table)

    def call(self, minutes: float = 0, **fields: Any) -> Trace:
        """A call without a price, as it is read from the table."""
        trace = replace(an_open_trace(started_at=NOON + timedelta(minutes=minutes)), status=Status.OK)
        trace = settled(replace(trace, **{"usage": a_usual_usage(), **fields}), one_price(None), NOON)
        self.store.complete_trace(trace, Bodies())
        found = self.store.find_trace(trace.project, trace.trace_id)
        assert found
        return found

    def models(self, project: str = "acme") -> dict[UnpricedModel, Progress]:
        return dict(self.unpriced.models(project))

    def waiting(self, model: UnpricedModel, place: str | None = None) -> list[str]:
        return [trace_id for part in self.unpriced.calls(model, place) for trace_id in part.trace_ids]


@pytest.fixture
def rows(dynamodb: "DynamoDBClient", table: str) -> Rows:
    return Rows(dynamodb, table)


def ids(traces: Iterable[Trace]) -> set[str]:
    return {trace.trace_id for trace in traces}


def test_a_call_is_found_by_each_model_that_it_waits_for(rows: Rows) -> None:
    alone, raced = rows.call(), rows.call(1, attempts=(a_lost_hedge(),))
    other = rows.call(project="other")
    for _ in range(2):
        rows.unpriced.wait([alone, raced, other], "prices 1")
    assert rows.models() == {CLAUDE: Progress(), LLAMA: Progress()}
    assert set(rows.waiting(CLAUDE)) == ids([alone, raced])
    assert rows.waiting(LLAMA) == [raced.trace_id]
    assert rows.waiting(replace(CLAUDE, project="other")) == [other.trace_id]
    [part] = rows.unpriced.calls(LLAMA, None)
    assert part.traces == (raced,)


def test_a_priced_call_does_not_wait(rows: Rows) -> None:
    rows.unpriced.wait([replace(rows.call(), settlement=None)], "prices 1")
    assert rows.models() == {}


def test_a_call_that_is_forgotten_is_not_found(rows: Rows) -> None:
    kept, gone = rows.call(), rows.call(1)
    rows.unpriced.wait([kept, gone], "prices 1")
    for _ in range(2):
        rows.unpriced.forget(CLAUDE, [gone.trace_id])
    assert rows.waiting(CLAUDE) == [kept.trace_id]


def test_rows_of_deleted_calls_are_told(rows: Rows) -> None:
    never_stored = settled(replace(an_open_trace(), status=Status.OK, usage=a_usual_usage()), one_price(None), NOON)
    rows.unpriced.wait([never_stored], "prices 1")
    [part] = rows.unpriced.calls(CLAUDE, None)
    assert (part.trace_ids, part.traces) == ((never_stored.trace_id,), ())


def test_a_trial_continues_at_its_place(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpriced_calls, "PART_CALLS", 3)
    calls = [rows.call(number) for number in range(40)]
    rows.unpriced.wait(calls, "prices 1")
    parts = list(rows.unpriced.calls(CLAUDE, None))
    assert {trace_id for part in parts for trace_id in part.trace_ids} == ids(calls)
    for number, part in enumerate(parts):
        left = [trace_id for later in parts[number + 1 :] for trace_id in later.trace_ids]
        assert rows.waiting(CLAUDE, part.place) == left


def test_a_trial_is_noted_from_its_beginning_to_its_end(rows: Rows) -> None:
    rows.unpriced.wait([rows.call()], "prices 1")
    rows.unpriced.begin(CLAUDE, "prices 2")
    assert rows.models()[CLAUDE] == Progress("prices 2")
    rows.unpriced.mark(CLAUDE, "prices 2", "3:x")
    assert rows.models()[CLAUDE] == Progress("prices 2", "3:x")
    rows.unpriced.mark(CLAUDE, "prices 1", "7:x")
    rows.unpriced.end(CLAUDE, "prices 1")
    assert rows.models()[CLAUDE] == Progress("prices 2", "3:x")
    rows.unpriced.end(CLAUDE, "prices 2")
    assert rows.models()[CLAUDE] == Progress("prices 2", is_done=True)
    rows.unpriced.begin(CLAUDE, "prices 3")
    assert rows.models()[CLAUDE] == Progress("prices 3")


@pytest.mark.parametrize(("prices", "is_untried"), [("prices 2", False), ("prices 1", True), (None, True)])
def test_a_call_settled_at_other_prices_is_tried_again(rows: Rows, prices: str | None, is_untried: bool) -> None:
    rows.unpriced.wait([rows.call()], "prices 1")
    rows.unpriced.begin(CLAUDE, "prices 2")
    rows.unpriced.mark(CLAUDE, "prices 2", "3:x")
    rows.unpriced.wait([rows.call(1)], prices)
    rows.unpriced.end(CLAUDE, "prices 2")
    assert rows.models()[CLAUDE] == (Progress() if is_untried else Progress("prices 2", is_done=True))


def test_rows_expire_with_their_trace_and_the_models_row_a_day_later(rows: Rows) -> None:
    first = rows.call()
    assert first.expires_at
    later = replace(rows.call(1), expires_at=first.expires_at + A_DAY // 2)
    latest = replace(rows.call(2), expires_at=first.expires_at + 2 * A_DAY)
    for trace in (first, later, latest):
        rows.unpriced.wait([trace], "prices 1")
    unpriced = [item for item in items_of(rows.client, rows.table) if item["kind"] == {"S": "unpriced"}]
    ends = {item["sk"]["S"]: int(item["expires_at"]["N"]) - first.expires_at for item in unpriced}
    assert ends == {
        first.trace_id: 0,
        later.trace_id: A_DAY // 2,
        latest.trace_id: 2 * A_DAY,
        "anthropic#claude-sonnet-4-5": 3 * A_DAY,
    }


def test_models_are_noted_at_once(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    traces = [rows.call(number, model=f"model {number}") for number in range(8)]
    note, together = DynamoUnpriced._register, Barrier(8, timeout=10)

    def note_together(unpriced: DynamoUnpriced, *model: Any) -> None:
        together.wait()
        note(unpriced, *model)

    monkeypatch.setattr(DynamoUnpriced, "_register", note_together)
    rows.unpriced.wait(traces, "prices 1")
    assert len(rows.models()) == 8
