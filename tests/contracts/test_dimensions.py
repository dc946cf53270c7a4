"""Totals by dimension on a real engine: the sums over the calls, read by queries whose number calls do not change."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from random import Random
from typing import Any

import pytest

from switchboard.domain.dimensions import Dimension, Latency, caller_of, combination_of, latencies_of
from switchboard.domain.histogram import Histogram, bucket_of
from switchboard.domain.limits import MAX_TOTALS_DAYS
from switchboard.domain.pricing import settled
from switchboard.domain.totals import ZERO, Span, Totals, totals_of
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store import keyspace
from switchboard.store.ledger.dimensions import DynamoDimensions
from switchboard.store.ledger.group import pack
from switchboard.store.ports import StoreUnavailable
from switchboard.store.query_ports import CostReader, PromptReader
from testkit.ledger_books import CARD, Books
from testkit.samples import NOON, a_usual_usage, an_open_trace, one_price
from testkit.stream_events import connect_once

pytestmark = pytest.mark.thorough

DAY = NOON.date()
NEXT = DAY + timedelta(days=1)
KINDS = list(product(["booking", "re#ception"], [("openai", "gpt-5.1"), ("groq", "llama"), (None, None)], range(3)))


def _calls(count: int) -> list[Trace]:
    random = Random(3)
    return [_call(number, random) for number in range(count)]


def _call(number: int, random: Random) -> Trace:
    """Every third call fails, every fifth has no caller, every seventh no prompt version."""
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


class Questions:
    """Settled calls, asked about through a client that counts its requests."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.asked: Counter[str] = Counter()
        counted = connect_once(books.endpoint)
        counted.meta.events.register("before-call.dynamodb", self._asked)
        self.costs: CostReader = DynamoDimensions(counted, books.table)
        self.prompts: PromptReader = DynamoDimensions(counted, books.table)

    def _asked(self, model: Any, **_event: object) -> None:
        self.asked[model.name] += 1

    def add(self, calls: list[Trace]) -> list[Trace]:
        """Store the calls and settle them by several writers."""
        for call in calls:
            self.books.store.complete_trace(call, Bodies())
        priced = [settled(call, one_price(CARD), NOON) for call in calls]
        for number, group in enumerate(pack(priced)):
            self.books.ledger(number).settle(group)
        return priced

    def requests_for_everything(self) -> Counter[str]:
        """What all questions about two days ask of the table."""
        self.asked.clear()
        list(self.costs.combination_days("acme", DAY, NEXT))
        list(self.costs.latency_days("acme", DAY, NEXT))
        list(self.costs.caller_days("acme", DAY, NEXT))
        list(self.costs.caller_days("acme", DAY, NEXT, "+49301"))
        self.prompts.prompt_versions("acme", "booking")
        return Counter(self.asked)


@pytest.fixture
def ask(books: Books) -> Questions:
    return Questions(books)


def _summed(parts: list[tuple[Any, Totals]]) -> dict[Any, Totals]:
    sums: dict[Any, Totals] = {}
    for names, totals in parts:
        sums[names] = sums.get(names, ZERO) + totals
    return sums


def _day(call: Trace) -> date:
    return call.started_at.date()


def test_every_row_is_the_sum_over_its_calls(ask: Questions) -> None:
    calls = ask.add(_calls(130))
    assert {_day(call) for call in calls} == {DAY}
    rows = [*ask.costs.combination_days("acme", DAY, DAY)]
    assert _summed([((row.day, *row.combination.values()), row.totals) for row in rows]) == _summed(
        [((_day(call), *combination_of(call).values()), totals_of(call)) for call in calls]
    )
    assert all(list(row.combination) == list(Dimension) for row in rows)
    callers = [((row.day, row.caller), row.totals) for row in ask.costs.caller_days("acme", DAY, DAY)]
    expected = _summed([((_day(call), who), totals_of(call)) for call in calls if (who := caller_of(call))])
    assert _summed(callers) == expected
    one = [((row.day, row.caller), row.totals) for row in ask.costs.caller_days("acme", DAY, NEXT, "+49302")]
    assert _summed(one) == {(DAY, "+49302"): expected[DAY, "+49302"]}


def test_histograms_have_the_times_of_calls_that_ended_well(ask: Questions) -> None:
    calls = ask.add(_calls(60))
    found: dict[Any, Histogram] = {}
    for row in ask.costs.latency_days("acme", DAY, DAY):
        for latency, histogram in row.histograms.items():
            names = (row.task_id, row.provider, row.model, latency)
            found[names] = found.get(names, Histogram()) + histogram
    expected: dict[Any, Counter[int]] = {}
    for call, latency in product(calls, Latency):
        if call.status is Status.OK:
            counts = expected.setdefault((call.task_id, call.provider, call.model, latency), Counter())
            counts.update(bucket_of(value) for name, value in latencies_of(call).items() if name is latency)
    assert found == {names: Histogram(counts) for names, counts in expected.items()}


def test_prompt_versions_have_their_calls_and_their_span(ask: Questions) -> None:
    calls = ask.add(_calls(90))
    found = ask.prompts.prompt_versions("acme", "re#ception")
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
    example = ask.books.store.find_trace("acme", found[0].example)
    assert example
    assert example.prompt_version == found[0].version
    assert {version.task_id for version in ask.prompts.prompt_versions("acme")} == {"booking", "re#ception"}


def test_days_are_utc_days_and_both_ends_are_in_the_range(ask: Questions) -> None:
    midnight = NOON + timedelta(hours=12)
    first = _call(0, Random(1))
    for minutes in (-1, 0, 24 * 60 - 1, 24 * 60):
        started_at = midnight + timedelta(minutes=minutes)
        ask.add([replace(first, trace_id=an_open_trace(started_at=started_at).trace_id, started_at=started_at)])
    read = ask.costs.combination_days
    assert [(row.day, row.totals.calls) for row in read("acme", DAY, NEXT)] == [(DAY, 1), (NEXT, 2)]
    assert [row.day for row in read("acme", NEXT, NEXT + timedelta(days=9))] == [NEXT, NEXT + timedelta(days=1)]
    assert list(read("acme", NEXT, DAY)) == list(read("acm", DAY, NEXT)) == []
    assert list(ask.costs.caller_days("acme", NEXT, DAY, "+49300")) == []


def test_requests_depend_on_rows_and_not_on_calls(ask: Questions) -> None:
    shards = len(keyspace.TOTALS_SHARDS)
    expected = Counter(Query=4 * shards, BatchGetItem=1)
    for calls in (100, 900):
        ask.add(_calls(calls))
        assert ask.requests_for_everything() == expected
    assert sum(row.totals.calls for row in ask.costs.combination_days("acme", DAY, NEXT)) == 1000


def test_more_days_than_are_kept_are_refused(ask: Questions) -> None:
    first = DAY - timedelta(days=MAX_TOTALS_DAYS)
    for read in (ask.costs.combination_days, ask.costs.latency_days, ask.costs.caller_days):
        with pytest.raises(ValueError, match="403 days"):
            list(read("acme", first, DAY))
    assert list(ask.costs.caller_days("acme", first + timedelta(days=1), DAY, "+49300")) == []
    with pytest.raises(StoreUnavailable):
        list(DynamoDimensions(ask.books.client, "no-such-table").combination_days("acme", DAY, DAY))
