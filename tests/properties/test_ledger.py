"""Whatever is delivered, repeated, reordered or interrupted, every call is counted once in the totals."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cost_aggregator.assembly import Aggregator
from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from switchboard.domain.pricing import settled
from switchboard.domain.rates import cost_at_rates
from switchboard.domain.totals import ZERO, Granularity, PeriodTotals, Span, Totals, totals_of
from switchboard.domain.trace import AttemptRecord, Bodies, Failure, Status, Trace
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.totals import DynamoTotals
from testkit.dynamodb import new_table
from testkit.misfortune import Fault, Killed, Misfortune
from testkit.samples import NOON, a_lost_hedge, a_usual_attempt, an_open_trace
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

PRICES = PriceBook(shipped_overrides(), PriceLibrary())
MODELS = [("anthropic", "claude-sonnet-4-5"), ("demo", "demo/echo"), ("generic", "nobody-prices-this"), (None, None)]


COUNTS = st.integers(0, 10**6)
TOKENS = st.builds(Tokens, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
USAGES = st.just(ABSENT) | st.builds(Usage, st.sampled_from([UsageSource.PROVIDER, UsageSource.ESTIMATED]), TOKENS)
ATTEMPTS = st.builds(
    lambda names, usage: replace(a_lost_hedge(), provider=names[0], model=names[1], usage=usage),
    st.sampled_from([("groq", "llama-3.3-70b-versatile"), ("openai", "gpt-4o"), ("generic", "nobody-prices-this")]),
    USAGES | st.builds(Usage, st.just(UsageSource.PROVIDER), TOKENS, COUNTS),
)
ENDED = [status for status in Status if status is not Status.OPEN]


@st.composite
def finished_traces(draw: st.DrawFn) -> Trace:
    """A call within three days around two midnights, in two tasks."""
    started_at = NOON + timedelta(minutes=draw(st.integers(-36 * 60, 36 * 60)))
    provider, model = draw(st.sampled_from(MODELS))
    status = draw(st.sampled_from(ENDED))
    return replace(
        an_open_trace(task_id=draw(st.sampled_from(["booking", "re#ception"])), started_at=started_at),
        provider=provider,
        model=model,
        status=status,
        usage=draw(USAGES),
        attempts=draw(st.lists(ATTEMPTS, max_size=3).map(tuple)),
        failure=None if status is Status.OK else Failure("some_code", "It went wrong.", 502),
    )


@dataclass(frozen=True)
class Story:
    """Calls, their deliveries to two sandboxes, and the faults of the transactions."""

    traces: list[Trace]
    deliveries: list[tuple[int, list[int]]]
    faults: list[Fault]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    traces = draw(st.lists(finished_traces(), min_size=1, max_size=9))
    batch = st.lists(st.integers(0, len(traces) - 1), min_size=1, max_size=12)
    deliveries = draw(st.lists(st.tuples(st.integers(0, 1), batch), max_size=5))
    return Story(traces, deliveries, draw(st.lists(st.sampled_from(Fault), max_size=12)))


@dataclass(frozen=True)
class World:
    """One table, and two sandboxes with the same faults."""

    store: DynamoStore
    totals: DynamoTotals
    sandboxes: tuple[Aggregator, Aggregator]
    misfortune: Misfortune
    projects: Iterator[int]

    def tell(self, story: Story) -> list[Trace]:
        """Run the story in a project of its own; returns its calls as they should be at the end."""
        project = f"project-{next(self.projects)}"
        traces = [replace(trace, project=project) for trace in story.traces]
        for trace in traces:
            self.store.complete_trace(trace, Bodies())
        self.misfortune.faults[:] = story.faults
        for sandbox, batch in story.deliveries:
            self._deliver(sandbox, [traces[place] for place in batch])
        self._deliver_until_done(traces)
        return [settled(trace, PRICES.card, NOON) for trace in traces]

    def _deliver(self, sandbox: int, traces: list[Trace]) -> bool:
        try:
            answer = self.sandboxes[sandbox].handle(stream_event(traces), lambda: 60_000)
        except Killed:
            return False
        return answer == {"batchItemFailures": []}

    def _deliver_until_done(self, traces: list[Trace]) -> None:
        """Deliver at least once, and split a failed batch in two, as the stream does."""
        if not self._deliver(len(traces) % 2, traces):
            middle = len(traces) // 2
            for half in (traces[:middle], traces[middle:]):
                if half:
                    self._deliver_until_done(half)


@pytest.fixture(scope="module")
def world(dynamodb: "DynamoDBClient", dynamodb_endpoint: str) -> World:
    table = new_table(dynamodb)
    client = connect_once(dynamodb_endpoint)
    return World(
        DynamoStore(dynamodb, table, retention=timedelta(days=30), clock=lambda: NOON),
        DynamoTotals(dynamodb, table),
        (an_aggregator(client, table, Seen(), seed=1), an_aggregator(client, table, Seen(), seed=2)),
        Misfortune(client),
        count(),
    )


def sum_of(traces: list[Trace]) -> Totals:
    return sum(map(totals_of, traces), ZERO)


@given(stories())
@settings(max_examples=40)
def test_the_totals_are_the_sum_of_the_calls(world: World, story: Story) -> None:
    expected = world.tell(story)
    project = expected[0].project
    for trace in expected:
        assert world.store.find_trace(project, trace.trace_id) == trace
    tasks = {task.task_id: task for task in world.totals.task_totals(project)}
    assert tasks.keys() == {trace.task_id for trace in expected}
    for task_id, task in tasks.items():
        calls = [trace for trace in expected if trace.task_id == task_id]
        starts = [trace.started_at for trace in calls]
        assert task.totals == sum_of(calls)
        assert task.seen == Span(min(starts), max(starts))
        by = {granularity: read(world, project, task_id, granularity) for granularity in Granularity}
        assert by[Granularity.HOUR].total == by[Granularity.DAY].total == by[Granularity.MONTH].total == task.totals
        for granularity, found in by.items():
            assert {period.start: period.totals for period in found.periods} == {
                start: sum_of([trace for trace in calls if granularity.start_of(trace.started_at) == start])
                for start in {granularity.start_of(started_at) for started_at in starts}
            }


def read(world: World, project: str, task_id: str, granularity: Granularity) -> PeriodTotals:
    return world.totals.period_totals(project, task_id, since=None, until=None, granularity=granularity)


def test_every_order_of_a_hundred_calls_gives_the_same(world: World) -> None:
    random = Random(7)
    traces = [
        replace(an_open_trace(started_at=NOON + timedelta(minutes=7 * number)), status=Status.OK, usage=usage(number))
        for number in range(100)
    ]
    batches = [random.sample(range(100), 60) for _ in range(4)]
    deliveries = [(number % 2, batch) for number, batch in enumerate(batches)]
    expected = world.tell(Story(traces, deliveries, [Fault.ANSWER_LOST, Fault.CONFLICT, Fault.KILLED_AFTER]))
    [task] = world.totals.task_totals(expected[0].project)
    assert task.totals == sum_of(expected)
    assert task.totals.calls == 100
    assert task.seen == Span(traces[0].started_at, traces[-1].started_at)


def test_tokens_times_price_is_the_cost_on_every_row(world: World) -> None:
    used = usage(3)
    raced = replace(an_open_trace(), status=Status.OK, usage=used, attempts=(_beside(used), a_usual_attempt()))
    traces = [replace(raced, trace_id=an_open_trace().trace_id) for _ in range(6)]
    [first, *_] = world.tell(Story(traces, [(0, [0, 1, 2]), (1, [2, 3])], [Fault.KILLED_AFTER, Fault.THROTTLED]))
    card = PRICES.card("anthropic", "claude-sonnet-4-5", NOON)
    assert card
    [task] = world.totals.task_totals(first.project)
    for totals in (task.totals, *(read(world, first.project, task.task_id, each).total for each in Granularity)):
        assert totals.calls == 6
        tokens = Tokens(totals.fresh_input, totals.output, totals.cache_read)
        assert totals.cost_pico_usd == cost_at_rates(tokens, card.rates) > 0


def _beside(used: Usage) -> AttemptRecord:
    return replace(a_lost_hedge(), provider="anthropic", model="claude-sonnet-4-5", usage=used)


def usage(number: int) -> Usage:
    return Usage(UsageSource.PROVIDER, Tokens(fresh_input=100 + number, output=7 * number, cache_read=number**2))
