"""Whatever is delivered, repeated, reordered or interrupted, a conversation is what its calls add up to."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.domain.conversation import STALL_MS, conversation_of
from switchboard.domain.trace import Failure, Status, Trace, Turn
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from testkit.conversations import Talks, finished_call
from testkit.dynamodb import new_table
from testkit.misfortune import Fault, Killed, Misfortune
from testkit.stream_events import an_aggregator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

MODELS = [("anthropic", "claude-sonnet-4-5"), ("generic", "nobody-prices-this"), (None, None)]
TIMES_MS = st.none() | st.integers(0, 3 * int(STALL_MS)).map(float)
TURNS = st.none() | st.builds(Turn, st.sampled_from("ab"), st.integers(0, 2), st.sampled_from([None, "t1", "t2"]))
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "conversation-id": st.sampled_from(["conv_1", "conv#2", "thread:t1"]),
        "call-duration-secs": st.sampled_from(["0", "12.5", "640", "soon"]),
    },
)
COUNTS = st.integers(0, 10**6)
USAGES = st.just(ABSENT) | st.builds(Usage, st.just(UsageSource.PROVIDER), st.builds(Tokens, COUNTS, COUNTS))
WRITES = st.sampled_from([Fault.NONE, Fault.THROTTLED, Fault.ANSWER_LOST, Fault.KILLED_BEFORE, Fault.KILLED_AFTER])


@st.composite
def calls(draw: st.DrawFn) -> Trace:
    """A call of one of a few conversations, or of none."""
    provider, model = draw(st.sampled_from(MODELS))
    status = draw(st.sampled_from([Status.OK, Status.TIMEOUT, Status.SUPERSEDED]))
    call = finished_call(draw(st.integers(0, 50)), provider=provider, model=model, status=status)
    return replace(
        call,
        metadata=draw(METADATA),
        turn=draw(TURNS),
        usage=draw(USAGES),
        ttft_ms=draw(TIMES_MS),
        duration_ms=draw(TIMES_MS),
        longest_stall_ms=draw(TIMES_MS),
        failure=None if status is Status.OK else Failure("some_code", "It went wrong.", 502),
    )


@dataclass(frozen=True)
class Story:
    """Calls, their deliveries to two sandboxes, and the faults of transactions and of facts."""

    traces: list[Trace]
    deliveries: list[tuple[int, list[int]]]
    transactions: list[Fault]
    facts: list[Fault]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    traces = draw(st.lists(calls(), min_size=1, max_size=9))
    batch = st.lists(st.integers(0, len(traces) - 1), min_size=1, max_size=12)
    deliveries = draw(st.lists(st.tuples(st.integers(0, 1), batch), max_size=5))
    faults = draw(st.lists(WRITES, max_size=8)), draw(st.lists(WRITES, max_size=8))
    return Story(traces, deliveries, *faults)


class World:
    """One table, and two sandboxes with the same faults."""

    def __init__(self, talks: Talks) -> None:
        self.talks = talks
        self.sandboxes = talks.aggregator, an_aggregator(talks.sandbox, talks.table, talks.seen, seed=2)
        self.transactions = Misfortune(talks.sandbox)
        self.facts = Misfortune(talks.sandbox, "PutItem")
        self.projects: Iterator[int] = count()

    def tell(self, story: Story) -> list[Trace]:
        """Run the story in a project of its own; returns its calls as they are stored at the end."""
        project = f"project-{next(self.projects)}"
        traces = [self.talks.put(replace(trace, project=project)) for trace in story.traces]
        self.transactions.faults[:], self.facts.faults[:] = story.transactions, story.facts
        for sandbox, batch in story.deliveries:
            self._deliver(sandbox, [traces[place] for place in batch])
        tries = len(story.transactions) + len(story.facts) + 1  # a fault is gone once it has happened
        assert any(self._deliver(0, traces) for _ in range(tries))
        return [self.talks.stored(trace) for trace in traces]

    def _deliver(self, sandbox: int, traces: list[Trace]) -> bool:
        try:
            return self.talks.deliver(*traces, to=self.sandboxes[sandbox])
        except Killed:
            return False


@pytest.fixture(scope="module")
def world(dynamodb: "DynamoDBClient", dynamodb_endpoint: str) -> World:
    return World(Talks(dynamodb, dynamodb_endpoint, new_table(dynamodb)))


@given(stories())
@settings(max_examples=40)
def test_every_conversation_is_what_its_calls_add_up_to(world: World, story: Story) -> None:
    traces = world.tell(story)
    names = {name for trace in traces if (name := conversation_of(trace)) is not None}
    expected = {
        name: world.talks.expected([each for each in traces if conversation_of(each) == name]) for name in names
    }
    project = traces[0].project
    assert {name: world.talks.find(name, project) for name in names} == expected
    page = world.talks.conversations.list_conversations(project, limit=20)
    newest_first = sorted(expected.values(), key=lambda each: each.facts.first_id, reverse=True)
    assert list(page.conversations) == newest_first


def test_concurrent_sandboxes_lose_no_fact(dynamodb: "DynamoDBClient", dynamodb_endpoint: str) -> None:
    talks = Talks(dynamodb, dynamodb_endpoint, new_table(dynamodb))
    traces = [talks.call(number, ttft_ms=number * 37.5 % 1000, model=f"model-{number % 5}") for number in range(40)]

    def settle(seed: int) -> bool:
        batches = [Random(seed + turn).sample(traces, 15) for turn in range(4)]
        sandbox = talks.another(seed)
        return all(talks.deliver(*batch, to=sandbox) for batch in (*batches, traces))

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(settle, range(3)))
    assert talks.find() == talks.expected(traces)
