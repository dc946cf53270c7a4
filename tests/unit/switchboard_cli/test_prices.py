"""`switchboard prices` on a real table."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import Result

from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from switchboard.domain.limits import MAX_CORRECTION_CHARACTERS, MAX_PRICE_BYTES
from switchboard.domain.price_book import BookMark
from switchboard.domain.totals import Totals, totals_of
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.prices.price_book import DynamoBook
from switchboard.store.prices.project_prices import DynamoPrices
from testkit.samples import NOON, a_key, a_lost_hedge, a_usual_usage, an_open_trace
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Switchboard = Callable[..., Result]

PRICE = {"provider": "azure", "model": "my-deployment", "from": "2026-11-01T00:00:00Z", "input": "3", "output": "15"}
CLAUDE = {**PRICE, "provider": "anthropic", "model": "claude-sonnet-4-5", "input": "6", "cache_read": "0.60"}
CORRECT = (
    *("--provider", "anthropic", "--model", "claude-sonnet-4-5"),
    *("--from", "2026-11-20", "--to", "2026-11-21", "--reason", "a contract"),
)
VERSION = PriceBook(shipped_overrides(), PriceLibrary()).version


class Table:
    """A table with the projects default and other, a published book, and a sandbox that settles."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, name: str) -> None:
        self.client, self.endpoint, self.name = client, endpoint, name
        self.store = DynamoStore(client, name, retention=timedelta(days=30), clock=lambda: NOON)
        self.prices = DynamoPrices(client, name)
        for project in ("default", "other"):
            self.store.put_key(a_key(f"sb-{project}", project))
        self.publish(VERSION)

    def publish(self, version: str) -> None:
        claim = DynamoBook(self.client, self.name).claim(version, NOON)
        assert claim
        assert claim.finish(BookMark(version, (), 0, NOON))

    def calls(self, number: int, **fields: Any) -> list[Trace]:
        """Settled calls of Claude in the project default, a minute after each other."""
        traces = []
        for minute in range(number):
            trace = an_open_trace(project="default", started_at=NOON + timedelta(minutes=minute))
            traces.append(replace(trace, **{"status": Status.OK, "usage": a_usual_usage(), **fields}))
            self.store.complete_trace(traces[-1], Bodies())
        seen = Seen()
        an_aggregator(connect_once(self.endpoint), self.name, seen).handle(stream_event(traces), lambda: 60_000)
        assert len(seen.named("call.settled")) == number
        return traces

    def stored(self, trace: Trace) -> Trace:
        found = self.store.find_trace(trace.project, trace.trace_id)
        assert found
        return found

    def total(self) -> Totals:
        [task] = DynamoTotals(self.client, self.name).task_totals("default")
        return task.totals

    def sum_of(self, traces: list[Trace]) -> Totals:
        return sum((totals_of(self.stored(trace)) for trace in traces), Totals())


@pytest.fixture
def there(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Table:
    return Table(dynamodb, dynamodb_endpoint, table)


@pytest.fixture
def prices(switchboard: Switchboard, there: Table) -> Switchboard:
    """Runs `switchboard prices` on this test's table."""

    def run(command: str, *words: str, stdin: str | None = None) -> Result:
        where = ("--table", there.name, "--endpoint-url", there.endpoint)
        return switchboard("prices", command, *words, *where, stdin=stdin)

    return run


def added(prices: Switchboard, price: dict[str, str] = PRICE, *words: str) -> Result:
    return prices("add", "-", *words, stdin=json.dumps(price))


def test_a_price_is_added_listed_and_removed(prices: Switchboard, there: Table) -> None:
    done = added(prices)
    assert done.exit_code == 0
    [card] = there.prices.project_prices("default")
    assert card.entry_id in done.stdout
    listed = prices("list").stdout.splitlines()
    assert listed[1].split() == [card.entry_id, "azure", "my-deployment", "2026-11-01", "00:00Z", "3", "15"]
    assert json.loads(prices("list", "--json").stdout)["source"] == "project 2026-11-01"
    assert prices("remove", card.entry_id).exit_code == 0
    again = prices("remove", card.entry_id)
    assert (again.exit_code, again.stderr) == (
        1,
        f"Project default has no price {card.entry_id}: `switchboard prices list` shows them.\n",
    )
    assert there.prices.project_prices("default") == ()


def test_an_invalid_price_is_refused_with_every_problem(prices: Switchboard, there: Table) -> None:
    done = added(prices, {**PRICE, "input": "x", "more": "1"})
    assert done.exit_code == 1
    assert done.stderr.splitlines() == ["'more' is not a field of a price.", "'input' is not a number: 'x'."]
    assert "16,384 bytes" in prices("add", "-", stdin=" " * (MAX_PRICE_BYTES + 1)).stderr
    assert "cannot be read" in prices("add", "/nowhere").stderr
    added(prices)
    assert "another price of azure my-deployment" in added(prices, {**PRICE, "input": "9"}).stderr
    assert len(there.prices.project_prices("default")) == 1


def test_an_unknown_project_is_named(prices: Switchboard) -> None:
    for words in (["list"], ["remove", "x"], ["reprice"], ["correct", *CORRECT]):
        assert 'There is no project "nobody".' in prices(*words, "--project", "nobody").stderr


def test_calls_without_a_price_get_one(prices: Switchboard, there: Table) -> None:
    traces = there.calls(3, provider="azure", model="my-deployment")
    assert prices("reprice").stdout == "Calls that got a price: 0, 0 USD in all.\n"
    added(prices)
    done = prices("reprice")
    assert done.stdout == f"Calls that got a price: 3, {_usd(3 * (212 * 3 + 20480 * 3 + 87 * 15))} USD in all.\n"
    assert there.total() == there.sum_of(traces)
    assert there.total().unpriced_calls == 0


def _usd(millionths: int) -> str:
    return f"{millionths / 1_000_000:f}".rstrip("0")


def test_priced_calls_are_corrected_after_a_question(prices: Switchboard, there: Table) -> None:
    traces = there.calls(5, attempts=(a_lost_hedge(),))
    before = there.total()
    added(prices, CLAUDE)
    refused = prices("correct", *CORRECT, stdin="n\n")
    assert refused.exit_code == 1
    assert there.total() == before
    done = prices("correct", *CORRECT, stdin="y\n")
    assert done.exit_code == 0
    assert "2026-11-20 00:00Z to 2026-11-21 00:00Z: 5. 5 of them change, from 0.055" in done.stdout
    assert "Corrected calls: 5, 0.055" in done.stdout
    after = there.total()
    assert after == there.sum_of(traces)
    assert after.cost_pico_usd - before.cost_pico_usd == 5 * (212 * 3_000_000 + 20480 * 300_000)
    for trace in map(there.stored, traces):
        assert trace.settlement
        [correction] = trace.settlement.corrections
        assert (correction.reason, trace.settlement.revision) == ("a contract", 1)
        assert correction.cost_pico_usd == before.cost_pico_usd // 5
    again = prices("correct", *CORRECT, stdin="y\n")
    assert again.stdout == (
        "Calls of anthropic claude-sonnet-4-5 from 2026-11-20 00:00Z to 2026-11-21 00:00Z: 5. "
        "Nothing changes: they cost what today's prices say, or have none.\n"
    )


def test_only_calls_of_the_model_in_the_period_and_project_are_corrected(prices: Switchboard, there: Table) -> None:
    early, *meant, late = there.calls(5)
    [other] = there.calls(1, model="claude-haiku-4-5")
    added(prices, CLAUDE)
    words = list(CORRECT)
    words[5], words[7] = "2026-11-20T12:01:00Z", "2026-11-20T12:04:00Z"
    assert prices("correct", *words, "--yes").exit_code == 0
    revisions = [found.settlement and found.settlement.revision for found in map(there.stored, [early, *meant, late])]
    assert revisions == [0, 1, 1, 1, 0]
    kept = there.stored(other).settlement
    assert kept
    assert kept.revision == 0
    assert there.total() == there.sum_of([early, *meant, late, other])


def test_a_correction_that_was_cut_off_is_completed_by_the_same_command(
    prices: Switchboard, there: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard.store.ledger.period_calls.PART_CALLS", 1)
    traces = there.calls(12)
    added(prices, CLAUDE)
    left = [4]
    whole = DynamoLedger.revise

    def cut_off(ledger: DynamoLedger, revisions: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return whole(ledger, revisions)

    with monkeypatch.context() as patch:
        patch.setattr(DynamoLedger, "revise", cut_off)
        assert prices("correct", *CORRECT, "--yes").exit_code != 0
    assert there.total() == there.sum_of(traces)
    done = prices("correct", *CORRECT, "--yes")
    assert "12. 8 of them change" in done.stdout
    assert there.total() == there.sum_of(traces)
    revisions = [found.settlement and found.settlement.revision for found in map(there.stored, traces)]
    assert revisions == [1] * 12


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({5: "2026-11-22"}, "--from must be earlier than --to, which is exclusive."),
        ({9: "  "}, "--reason must have 1 to 200 characters."),
        ({9: "x" * (MAX_CORRECTION_CHARACTERS + 1)}, "--reason must have 1 to 200 characters."),
        ({5: "yesterday"}, "is not a time"),
    ],
)
def test_what_cannot_be_corrected_is_refused(prices: Switchboard, changed: dict[int, str], sentence: str) -> None:
    words = [changed.get(place, word) for place, word in enumerate(CORRECT)]
    done = prices("correct", *words, "--yes")
    assert done.exit_code == 1
    assert sentence in done.stderr


@pytest.mark.parametrize("command", [("reprice",), ("correct", *CORRECT)])
def test_prices_other_than_the_systems_are_not_used(
    prices: Switchboard, there: Table, command: tuple[str, ...]
) -> None:
    there.publish("genai-prices 9.9.9")
    done = prices(*command)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"The system has the prices of genai-prices 9.9.9; this installation has {VERSION}.")
