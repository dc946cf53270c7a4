"""Calls of conversations on a real table, settled by aggregators, and what their conversations should be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from cost_aggregator.assembly import Aggregator
from switchboard.domain.conversation import Conversation, conversation_of, is_retry, is_stalled
from switchboard.domain.conversation_facts import facts_of
from switchboard.domain.totals import ZERO, totals_of
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.conversations.conversation_reader import DynamoConversations
from switchboard.store.dynamodb import DynamoStore
from testkit.samples import NOON, a_usual_usage, an_open_trace
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EXPIRES_AT = int((NOON + timedelta(days=30)).timestamp())


class Talks:
    """A table with its conversations, and an aggregator whose client has hooks of its own."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str) -> None:
        self.client, self.endpoint, self.table = client, endpoint, table
        self.sandbox = connect_once(endpoint)
        self.seen = Seen()
        self.aggregator = an_aggregator(self.sandbox, table, self.seen)
        self.conversations = DynamoConversations(client, table)
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)

    def another(self, seed: int) -> Aggregator:
        """Another sandbox, which adds to another shard for most seeds."""
        return an_aggregator(connect_once(self.endpoint), self.table, self.seen, seed=seed)

    def call(self, minutes: float = 0, conversation: str | None = "conv_1", **fields: Any) -> Trace:
        """A finished call in the table."""
        return self.put(finished_call(minutes, conversation, **fields))

    def put(self, trace: Trace) -> Trace:
        """The call, written to the table."""
        self.store.complete_trace(trace, Bodies())
        return trace

    def deliver(self, *traces: Trace, to: Aggregator | None = None, remaining_ms: float = 60_000) -> bool:
        """Deliver a batch; returns whether all of its records are acknowledged."""
        answer = (to or self.aggregator).handle(stream_event(traces), lambda: remaining_ms)
        return answer == {"batchItemFailures": []}

    def settle(self, *traces: Trace) -> None:
        """Deliver a batch that is acknowledged."""
        assert self.deliver(*traces)

    def stored(self, trace: Trace) -> Trace:
        """The call as it is in the table."""
        found = self.store.find_trace(trace.project, trace.trace_id)
        assert found is not None
        return found

    def expected(self, traces: Sequence[Trace]) -> Conversation:
        """The conversation of these calls, from the calls as they are stored."""
        return conversation_of_all([self.stored(trace) for trace in traces])

    def find(self, name: str = "conv_1", project: str = "acme") -> Conversation | None:
        """The conversation as it is read."""
        return self.conversations.find_conversation(project, name)

    def listed(self, limit: int = 10, **times: Any) -> list[str]:
        """The ids of every page of the list."""
        found: list[str] = []
        cursor = None
        while True:
            page = self.conversations.list_conversations("acme", limit=limit, cursor=cursor, **times)
            found += [each.conversation_id for each in page.conversations]
            if (cursor := page.next_cursor) is None:
                return found


def finished_call(minutes: float = 0, conversation: str | None = "conv_1", **fields: Any) -> Trace:
    """A finished call so many minutes after noon."""
    metadata = {} if conversation is None else {"conversation-id": conversation}
    call = an_open_trace(started_at=NOON + timedelta(minutes=minutes))
    ended = {"status": Status.OK, "usage": a_usual_usage(), "duration_ms": 1843.617, "ttft_ms": 412.25}
    return replace(call, **{"metadata": metadata, **ended, **fields})


def conversation_of_all(traces: Sequence[Trace]) -> Conversation:
    """What the settled calls of one conversation add up to."""
    [name] = {conversation_of(trace) for trace in traces}
    assert name is not None
    return Conversation(
        name,
        sum(map(totals_of, traces), ZERO),
        reduce(or_, map(facts_of, traces)),
        retries=sum(map(is_retry, traces)),
        stalls=sum(map(is_stalled, traces)),
    )
