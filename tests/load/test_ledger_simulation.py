"""Thousands of calls through the aggregator while much goes wrong: afterwards every total is the sum of its calls.

The sums are made here from the stored traces, one loop for each kind of total, without the program's own list of rows.
`make soak-ledger` does the same with 200,000 calls.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.audit import Outcome
from switchboard.domain.conversation import Conversation
from switchboard.domain.dimensions import Dimension
from switchboard.domain.histogram import bucket_of
from switchboard.domain.search_terms import DEFAULT_METADATA
from switchboard.domain.totals import ZERO, Granularity, Totals
from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_search import TraceSearch
from switchboard.store import keyspace
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.audit.auditor import Auditor
from switchboard.store.conversations.conversation_reader import DynamoConversations
from switchboard.store.dynamodb_client import connect
from switchboard.store.dynamodb_table import Table
from switchboard.store.ledger.dimensions import DynamoDimensions
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.search.trace_finder import DynamoTraceFinder
from switchboard.store.traces.trace_items import from_item
from testkit import ledger_world
from testkit.dynamodb import new_table
from testkit.engine_table import dynoxide
from testkit.ledger_storm import Storm
from testkit.ledger_world import DAYS, FIRST, PROJECTS
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.load

CALLS = int(os.environ.get("LEDGER_CALLS", "5000"))
SEED = 20261130
LAST = FIRST.date() + timedelta(days=DAYS - 1)
FAILED = {Status.UPSTREAM_ERROR}
UNHEARD = {Status.SUPERSEDED, Status.INTERRUPTED}

type Sums = dict[Hashable, Counter[str]]


class Aftermath:
    """A table after the storm."""

    def __init__(self, client: "DynamoDBClient", table: str, calls: list[Trace], storm: Storm) -> None:
        self.client = client
        self.table = table
        self.calls = calls
        self.storm = storm
        self.stored = list(self._stored())
        self.totals = DynamoTotals(client, table)
        self.dimensions = DynamoDimensions(client, table)
        self.conversations = DynamoConversations(client, table)

    def _stored(self) -> Iterator[Trace]:
        table = Table(self.client, self.table)
        for project in PROJECTS:
            for shard in keyspace.SHARDS:
                yield from map(from_item, table.partition(keyspace.traces_of_project(project, shard)))

    def of(self, project: str) -> list[Trace]:
        return [trace for trace in self.stored if trace.project == project]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder: Path = tmp_path_factory.mktemp("ledger")
    with dynoxide(folder) as endpoint, closing(connect(endpoint=endpoint)) as client:
        table = new_table(client)
        calls = ledger_world.calls(CALLS, SEED)
        ledger_world.store(client, table, calls)
        storm = Storm(endpoint, table, seed=SEED)
        storm.settle(calls)
        yield Aftermath(client, table, calls, storm)


def sums(calls: Iterable[Trace], group: Callable[[Trace], Hashable | None]) -> Sums:
    """What the calls of each group add up to, counter by counter; without those whose group is None."""
    found: Sums = defaultdict(Counter)
    for trace in calls:
        if (key := group(trace)) is not None:
            found[key].update(counted(trace))
    return {key: +counters for key, counters in found.items()}


def counted(trace: Trace) -> Counter[str]:
    settlement = trace.settlement
    assert settlement is not None
    cost, unheard, saved = settlement.cost_pico_usd, 0, 0
    for attempt in settlement.attempt_costs:
        unheard += attempt.cost_pico_usd or 0
    if trace.status in UNHEARD:
        unheard = cost or 0
    if settlement.price is not None and trace.usage.tokens is not None:
        rates = settlement.price.rates
        saved = trace.usage.tokens.cache_read * ((rates.fresh_input or 0) - (rates.cache_read or 0))
    known = cost is not None
    counters = Counter(
        calls=1,
        errors=int(trace.status in FAILED),
        unpriced_calls=int(not known),
        cost_pico_usd=cost or 0,
        unheard_pico_usd=unheard if known else 0,
        saved_pico_usd=saved if known else 0,
    )
    estimated = False
    for usage in (trace.usage, *(attempt.usage for attempt in trace.attempts)):
        if usage.tokens is not None:
            estimated |= usage.source.value == "estimated"
            for name in ("fresh_input", "output", "cache_read", "cache_write_5m"):
                counters[name] += getattr(usage.tokens, name)
    counters["estimated_calls"] = int(estimated)
    return counters


def told(rows: Iterable[tuple[Hashable, Totals]]) -> Sums:
    """What the ledger tells about each group, summed over its shards."""
    found: dict[Hashable, Totals] = defaultdict(lambda: ZERO)
    for key, totals in rows:
        found[key] += totals
    return {key: +Counter({name: getattr(totals, name) for name in Totals.__slots__}) for key, totals in found.items()}


def day_of(trace: Trace) -> date:
    return trace.started_at.astimezone(UTC).date()


def test_the_storm_was_one(aftermath: Aftermath) -> None:
    assert aftermath.storm.killed > 0
    assert aftermath.storm.returned + aftermath.storm.killed > CALLS / 1000
    assert aftermath.storm.seen.poison == []


def test_every_call_is_settled_once(aftermath: Aftermath) -> None:
    assert sorted(trace.trace_id for trace in aftermath.stored) == sorted(trace.trace_id for trace in aftermath.calls)
    assert all(trace.settlement is not None and trace.settlement.revision == 0 for trace in aftermath.stored)


@pytest.mark.parametrize("project", PROJECTS)
def test_tasks(aftermath: Aftermath, project: str) -> None:
    tasks = aftermath.totals.task_totals(project)
    assert told((task.task_id, task.totals) for task in tasks) == sums(
        aftermath.of(project), lambda trace: trace.task_id
    )
    for task in tasks:
        starts = [trace.started_at for trace in aftermath.of(project) if trace.task_id == task.task_id]
        assert (task.seen.first, task.seen.last) == (min(starts), max(starts))


@pytest.mark.parametrize("granularity", [Granularity.HOUR, Granularity.DAY])
@pytest.mark.parametrize("project", PROJECTS)
def test_hours_and_days_of_tasks(aftermath: Aftermath, project: str, granularity: Granularity) -> None:
    for task in aftermath.totals.task_totals(project):
        found = aftermath.totals.period_totals(project, task.task_id, since=None, until=None, granularity=granularity)
        own = [trace for trace in aftermath.of(project) if trace.task_id == task.task_id]
        expected = sums(own, lambda trace: granularity.start_of(trace.started_at))
        assert told((period.start, period.totals) for period in found.periods) == expected


@pytest.mark.parametrize("project", PROJECTS)
def test_combinations(aftermath: Aftermath, project: str) -> None:
    rows = aftermath.dimensions.combination_days(project, FIRST.date(), LAST)
    found = told(((row.day, *(row.combination[each] for each in Dimension)), row.totals) for row in rows)
    assert found == sums(
        aftermath.of(project),
        lambda trace: (
            day_of(trace),
            trace.task_id,
            trace.environment,
            trace.key_id,
            trace.metadata.get("agent-id"),
            trace.provider,
            trace.model,
            trace.status.value,
        ),
    )


@pytest.mark.parametrize("project", PROJECTS)
def test_callers(aftermath: Aftermath, project: str) -> None:
    rows = aftermath.dimensions.caller_days(project, FIRST.date(), LAST)
    expected = sums(
        aftermath.of(project),
        lambda trace: (day_of(trace), trace.metadata["caller-id"]) if "caller-id" in trace.metadata else None,
    )
    assert told(((row.day, row.caller), row.totals) for row in rows) == expected


@pytest.mark.parametrize("project", PROJECTS)
def test_latencies(aftermath: Aftermath, project: str) -> None:
    found: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for row in aftermath.dimensions.latency_days(project, FIRST.date(), LAST):
        for latency, histogram in row.histograms.items():
            found[row.day, row.task_id, row.provider, row.model, latency.value].update(histogram.counts)
    expected: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for trace in aftermath.of(project):
        for name in ("ttft_ms", "first_sentence_ms", "duration_ms") if trace.status is Status.OK else ():
            group = (day_of(trace), trace.task_id, trace.provider, trace.model, name)
            expected[group][bucket_of(getattr(trace, name))] += 1
    assert found == expected


@pytest.mark.parametrize("project", PROJECTS)
def test_prompt_versions(aftermath: Aftermath, project: str) -> None:
    versions = aftermath.dimensions.prompt_versions(project)
    assert told(((each.task_id, each.version), each.totals) for each in versions) == sums(
        aftermath.of(project), lambda trace: (trace.task_id, trace.prompt_version)
    )


@pytest.mark.parametrize("project", PROJECTS)
def test_conversations(aftermath: Aftermath, project: str) -> None:
    cursor: str | None = None
    found: list[Conversation] = []
    while True:
        page = aftermath.conversations.list_conversations(project, limit=100, cursor=cursor)
        found += page.conversations
        if (cursor := page.next_cursor) is None:
            break
    calls: dict[str, list[Trace]] = defaultdict(list)
    for trace in aftermath.of(project):
        own = f"thread:{trace.turn.thread_id}" if trace.turn and trace.turn.thread_id else None
        if (conversation := trace.metadata.get("conversation-id", own)) is not None:
            calls[conversation].append(trace)
    assert sorted(each.conversation_id for each in found) == sorted(calls)
    for each in found:
        own_calls = sorted(calls[each.conversation_id], key=lambda trace: trace.trace_id)
        assert told([(1, each.totals)]) == sums(own_calls, lambda _: 1)
        assert (each.facts.first_id, each.facts.last_id) == (own_calls[0].trace_id, own_calls[-1].trace_id)
        assert each.retries == sum(trace.turn is not None and trace.turn.retry > 0 for trace in own_calls)
        assert each.facts.worst_ttft_ms == max((trace.ttft_ms for trace in own_calls if trace.ttft_ms), default=None)


SEARCHES: list[tuple[TraceSearch, Callable[[Trace], bool]]] = [
    (TraceSearch(environment="staging"), lambda trace: trace.environment == "staging"),
    (TraceSearch(provider="groq"), lambda trace: trace.provider == "groq"),
    (TraceSearch(status=Status.CLIENT_CLOSED), lambda trace: trace.status is Status.CLIENT_CLOSED),
    (
        TraceSearch(task_id="a#task%", model="gpt-4o-mini", metadata={"agent-id": "agent_1"}),
        lambda trace: (
            (trace.task_id, trace.model, trace.metadata.get("agent-id")) == ("a#task%", "gpt-4o-mini", "agent_1")
        ),
    ),
]


@pytest.mark.parametrize(("search", "is_wanted"), SEARCHES)
@pytest.mark.parametrize("project", PROJECTS)
def test_searches(aftermath: Aftermath, project: str, search: TraceSearch, is_wanted: Callable[[Trace], bool]) -> None:
    finder = DynamoTraceFinder(
        aftermath.client,
        aftermath.table,
        costs=aftermath.dimensions,
        totals=aftermath.totals,
        metadata_names=DEFAULT_METADATA,
        now=lambda: NOON,
    )
    cursor: str | None = None
    found: list[str] = []
    while True:
        page = finder.find_traces(project, search, limit=100, cursor=cursor)
        found += [trace.trace_id for trace in page.traces]
        if (cursor := page.next_cursor) is None:
            break
    wanted = [trace.trace_id for trace in aftermath.of(project) if is_wanted(trace)]
    assert found == sorted(wanted, reverse=True)


@pytest.mark.parametrize("project", PROJECTS)
def test_the_audit_agrees_and_finds_one_pico_dollar(aftermath: Aftermath, project: str) -> None:
    audits = DynamoAudit(aftermath.client, aftermath.table, lambda: NOON)
    auditor = Auditor(audits)
    day = FIRST.date() + timedelta(days=1)
    clean = auditor.audit(project, day, lambda: True)
    assert clean is not None
    assert (clean.outcome, clean.differences) == (Outcome.CLEAN, ())
    assert clean.calls == sum(day_of(trace) == day for trace in aftermath.of(project))
    key = next(audits.keys_of_day(project, day))
    [(_, row)] = audits.rows([key])
    place = next(iter(row.shards))
    aftermath.client.update_item(
        TableName=aftermath.table,
        Key={"pk": {"S": place.pk}, "sk": {"S": place.sk}},
        UpdateExpression="ADD co :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    found = auditor.audit(project, day, lambda: True, repair=True)
    assert found is not None
    assert [(each.counter, each.stored - each.counted, each.is_repaired) for each in found.differences] == [
        ("co", 1, True)
    ]
    again = auditor.audit(project, day, lambda: True)
    assert again is not None
    assert again.outcome is Outcome.CLEAN
