"""Totals by dimension on a real engine: the sums over the calls, read by queries whose number calls do not change."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.dimensions import Dimension, Latency, caller_of, combination_of, latencies_of
from switchboard.domain.histogram import Histogram, bucket_of
from switchboard.domain.limits import MAX_TOTALS_DAYS
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.totals import ZERO, Span, Totals, totals_of
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store import keyspace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger import DynamoLedger
from switchboard.store.ledger_dimensions import DynamoDimensions
from switchboard.store.ledger_group import pack
from switchboard.store.ports import StoreUnavailable
from switchboard.store.query_ports import CostReader, PromptReader
from testkit.samples import NOON, a_usual_usage, an_open_trace, one_price
from testkit.stream_events import connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARD = RateCard("anthropic", "claude-sonnet-4-5", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")
DAY = NOON.date()
NEXT = DAY + timedelta(days=1)
KINDS = list(product(["booking", "re#ception"], [("openai", "gpt-5.1"), ("groq", "llama"), (None, None)], range(3)))


def _call(number: int, random: Random) -> Trace:
    """The calls of two days: every third fails, every fifth has no caller."""
    task_id, (provider, model), person = KINDS[number % len(KINDS)]
    return replace(
        an_open_trace(task_id=task_id, started_at=NOON + timedelta(minutes=number % 1000)),
        status=Status.TIMEOUT if number % 3 == 2 else Status.OK,
        provider=provider,
        model=model,
        usage=a_usual_usage(),
        ttft_ms=random.uniform(200, 2000),
        duration_ms=random.uniform(900, 9000),
        metadata={"agent-id": "agent_1"} if number % 5 == 4 else {"caller-id": f"+4930{person}"},
        prompt_version=None if number % 7 == 6 else f"{person:012x}",
    )


class Books:
    """A table with settled calls, read through a client that counts its requests."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str) -> None:
        self.client, self.table = client, table
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.asked: Counter[str] = Counter()
        counted = connect_once(endpoint)
        counted.meta.events.register("before-call.dynamodb", self._asked)
        self.reader: CostReader = DynamoDimensions(counted, table)
        self.prompts: PromptReader = DynamoDimensions(counted, table)

    def _asked(self, model: Any, **_event: object) -> None:
        self.asked[model.name] += 1

    def add(self, count: int) -> list[Trace]:
        """Calls that are settled by several writers."""
        random = Random(3)
        calls = [_call(number, random) for number in range(count)]
        for call in calls:
            self.store.complete_trace(call, Bodies())
        priced = [settled(call, one_price(CARD), NOON) for call in calls]
        for number, group in enumerate(pack(priced)):
            DynamoLedger(self.client, self.table, random=Random(number)).settle(group)
        return priced

    def requests_for_everything(self) -> Counter[str]:
        """What all questions about three days ask of the table."""
        self.asked.clear()
        list(self.reader.combination_days("acme", DAY, NEXT))
        list(self.reader.latency_days("acme", DAY, NEXT))
        list(self.reader.caller_days("acme", DAY, NEXT))
        list(self.reader.caller_days("acme", DAY, NEXT, "+49301"))
        self.prompts.prompt_versions("acme", "booking")
        return Counter(self.asked)


@pytest.fixture
def books(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Books:
    return Books(dynamodb, dynamodb_endpoint, table)


def _summed(parts: list[tuple[Any, Totals]]) -> dict[Any, Totals]:
    sums: dict[Any, Totals] = {}
    for names, totals in parts:
        sums[names] = sums.get(names, ZERO) + totals
    return sums


def _day(call: Trace) -> date:
    return call.started_at.date()


def test_every_row_is_the_sum_over_its_calls(books: Books) -> None:
    calls = books.add(130)
    assert {_day(call) for call in calls} == {DAY}
    rows = [*books.reader.combination_days("acme", DAY, DAY)]
    assert _summed([((row.day, *row.combination.values()), row.totals) for row in rows]) == _summed(
        [((_day(call), *combination_of(call).values()), totals_of(call)) for call in calls]
    )
    assert all(list(row.combination) == list(Dimension) for row in rows)
    callers = [((row.day, row.caller), row.totals) for row in books.reader.caller_days("acme", DAY, DAY)]
    expected = _summed([((_day(call), who), totals_of(call)) for call in calls if (who := caller_of(call))])
    assert _summed(callers) == expected
    one = [((row.day, row.caller), row.totals) for row in books.reader.caller_days("acme", DAY, NEXT, "+49302")]
    assert _summed(one) == {(DAY, "+49302"): expected[DAY, "+49302"]}


def test_histograms_have_the_times_of_calls_that_ended_well(books: Books) -> None:
    calls = books.add(60)
    found: dict[Any, Histogram] = {}
    for row in books.reader.latency_days("acme", DAY, DAY):
        for latency, histogram in row.histograms.items():
            names = (row.task_id, row.provider, row.model, latency)
            found[names] = found.get(names, Histogram()) + histogram
    expected: dict[Any, Counter[int]] = {}
    for call, latency in product(calls, Latency):
        if call.status is Status.OK:
            counts = expected.setdefault((call.task_id, call.provider, call.model, latency), Counter())
            counts.update(bucket_of(value) for name, value in latencies_of(call).items() if name is latency)
    assert found == {names: Histogram(counts) for names, counts in expected.items()}


def test_prompt_versions_have_their_calls_and_their_span(books: Books) -> None:
    calls = books.add(90)
    found = books.prompts.prompt_versions("acme", "re#ception")
    own = [call for call in calls if call.task_id == "re#ception" and call.prompt_version is not None]
    assert {(version.version, version.totals) for version in found} == set(
        _summed([(call.prompt_version, totals_of(call)) for call in own]).items()
    )
    assert {version.version: version.seen for version in found} == {
        version: Span(min(starts), max(starts))
        for version in {call.prompt_version for call in own}
        if (starts := [call.started_at for call in own if call.prompt_version == version])
    }
    assert [version.seen.last for version in found] == sorted(version.seen.last for version in found)
    example = books.store.find_trace("acme", found[0].example)
    assert example
    assert example.prompt_version == found[0].version
    assert {version.task_id for version in books.prompts.prompt_versions("acme")} == {"booking", "re#ception"}


def test_days_are_utc_days_and_both_ends_are_in_the_range(books: Books) -> None:
    midnight = NOON + timedelta(hours=12)
    for minutes in (-1, 0, 24 * 60 - 1, 24 * 60):
        call = replace(_call(0, Random(1)), started_at=midnight + timedelta(minutes=minutes))
        books.store.complete_trace(call, Bodies())
        DynamoLedger(books.client, books.table, random=Random(1)).settle([settled(call, one_price(CARD), NOON)])
    read = books.reader.combination_days
    assert [(row.day, row.totals.calls) for row in read("acme", DAY, NEXT)] == [(DAY, 1), (NEXT, 2)]
    assert [row.day for row in read("acme", NEXT, NEXT + timedelta(days=9))] == [NEXT, NEXT + timedelta(days=1)]
    assert list(read("acme", NEXT, DAY)) == list(read("acm", DAY, NEXT)) == []
    assert list(books.reader.caller_days("acme", NEXT, DAY, "+49300")) == []


def test_requests_depend_on_rows_and_not_on_calls(books: Books) -> None:
    shards = len(keyspace.TOTALS_SHARDS)
    expected = Counter(Query=4 * shards, BatchGetItem=1)
    for calls in (100, 900):
        books.add(calls)
        assert books.requests_for_everything() == expected
    assert sum(row.totals.calls for row in books.reader.combination_days("acme", DAY, NEXT)) == 1000


def test_more_days_than_are_kept_are_refused(books: Books) -> None:
    first = DAY - timedelta(days=MAX_TOTALS_DAYS)
    for read in (books.reader.combination_days, books.reader.latency_days, books.reader.caller_days):
        with pytest.raises(ValueError, match="403 days"):
            list(read("acme", first, DAY))
    assert list(books.reader.caller_days("acme", first + timedelta(days=1), DAY, "+49300")) == []
    with pytest.raises(StoreUnavailable):
        list(DynamoDimensions(books.client, "no-such-table").combination_days("acme", DAY, DAY))
