"""Any search over any few calls finds, page by page and each once, what looking at every call finds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Status, Trace, Turn
from switchboard.domain.trace_search import Order, TraceSearch
from switchboard.store.search import newest_search
from testkit.dynamodb import new_table
from testkit.samples import NOON, an_open_trace
from testkit.search_world import SearchWorld, filtered, highest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

TIMES = (0, 1, 60, 1440, 20 * 1440, 40 * 1440, 75 * 1440)
"""Minutes before noon: a search that needs the totals looks at 31 days at once."""

labels = st.sampled_from(["a", "a", "a#0", ""])
models = st.sampled_from(["gpt", "llama", "m3", "m4", "m5", "m6"])
metadata = st.dictionaries(st.sampled_from(["conversation-id", "caller-id", "agent-id"]), labels, max_size=3)
statuses = st.sampled_from([Status.OK, Status.OK, Status.TIMEOUT, Status.LOST, Status.OPEN])
moments = st.sampled_from([NOON - timedelta(minutes=minutes) for minutes in TIMES])
edges = st.none() | st.builds(lambda at, ms: at + timedelta(milliseconds=ms), moments, st.integers(-1, 1))


@dataclass(frozen=True, slots=True)
class Call:
    """What may differ between two calls."""

    at: datetime
    status: Status
    task: str
    environment: str
    key: str
    provider: str | None
    model: str | None
    metadata: Mapping[str, str]
    thread: str | None
    ttft_ms: float | None
    cost: int | None

    def trace(self, project: str) -> Trace:
        """The call in that project."""
        return replace(
            an_open_trace(project, self.task, self.at),
            status=self.status,
            environment=self.environment,
            key_id=self.key,
            provider=self.provider,
            model=self.model,
            metadata=self.metadata,
            turn=None if self.thread is None else Turn("turn", 0, self.thread),
            ttft_ms=self.ttft_ms,
            settlement=Settlement(NOON, self.cost),
        )


calls = st.builds(
    Call,
    at=moments,
    status=statuses,
    task=labels,
    environment=labels,
    key=labels,
    provider=st.none() | st.sampled_from(["openai", "groq"]),
    model=st.none() | models,
    metadata=metadata,
    thread=st.none() | st.just("a"),
    ttft_ms=st.none() | st.integers(0, 40).map(lambda eighths: eighths / 8),
    cost=st.none() | st.integers(0, 20),
)
NAMES = ("task_id", "environment", "key_id", "provider", "model", "status", "metadata")


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Call], TraceSearch]:
    """Calls, and a search for some of what one of them has."""
    told = draw(st.lists(calls, min_size=1, max_size=30))
    like = draw(st.sampled_from(told))
    names = draw(st.sets(st.sampled_from(NAMES), max_size=3))
    has = {
        "task_id": like.task,
        "environment": like.environment,
        "key_id": like.key,
        "provider": like.provider,
        "model": like.model,
        "status": like.status,
        "metadata": draw(st.just(like.metadata) | st.just({"conversation-id": "thread:a"})),
    }
    asked: Any = {name: has[name] for name in names}
    return told, TraceSearch(**asked, since=draw(edges), until=draw(edges))


@dataclass(frozen=True, slots=True)
class Worlds:
    """One table; each example has a project of its own."""

    world: SearchWorld
    numbers: "count[int]"

    def tell(self, told: list[Call]) -> tuple[str, list[Trace]]:
        """The example's project, and its calls in the table."""
        project = f"project-{next(self.numbers)}"
        traces = [call.trace(project) for call in told]
        self.world.add(traces)
        return project, traces


@pytest.fixture(scope="module")
def worlds(dynamodb: "DynamoDBClient") -> Worlds:
    return Worlds(SearchWorld(dynamodb, new_table(dynamodb), now=NOON + timedelta(hours=1)), count())


@given(stories(), st.integers(1, 4))
@settings(max_examples=100)
def test_any_search_finds_each_call_once(worlds: Worlds, story: tuple[list[Call], TraceSearch], limit: int) -> None:
    told, search = story
    project, traces = worlds.tell(told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(newest_search, "MAX_ROWS", 64)
        patch.setattr(newest_search, "MAX_TRACES", 16)
        assert worlds.world.found(project, search, limit) == filtered(traces, project, search)


@given(stories(), st.sampled_from([Order.SLOWEST, Order.DEAREST]), st.integers(1, 4))
@settings(max_examples=50)
def test_any_search_for_the_highest_finds_each_call_once(
    worlds: Worlds, story: tuple[list[Call], TraceSearch], order: Order, limit: int
) -> None:
    told, search = story
    project, traces = worlds.tell(told)
    asked = replace(search, order=order, status=None)
    ids = set(filtered(traces, project, asked))
    expected = [trace_id for trace_id in highest(traces, order) if trace_id in ids]
    assert worlds.world.found(project, asked, limit) == expected
