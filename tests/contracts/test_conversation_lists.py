"""Lists of conversations, and of the calls of one, on a real engine."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.trace import Trace, Turn
from switchboard.store import keyspace
from switchboard.store.conversations.conversation_reader import DynamoConversations
from switchboard.store.dynamodb_table import Table
from testkit.conversations import Talks
from testkit.dynamodb import items_of
from testkit.samples import NOON
from testkit.stream_events import connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def talks(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Talks:
    return Talks(dynamodb, dynamodb_endpoint, table)


def test_conversations_are_listed_by_their_first_call(talks: Talks) -> None:
    calls = [talks.call(number % 17 * 10, f"conv_{number % 17}") for number in range(34)]
    talks.settle(*calls)
    listed = talks.listed(limit=5)
    assert listed == [f"conv_{number}" for number in reversed(range(17))]
    hour = {"since": NOON + timedelta(minutes=30), "until": NOON + timedelta(minutes=90)}
    assert talks.listed(limit=4, **hour) == [f"conv_{n}" for n in range(8, 2, -1)]
    assert talks.listed(since=NOON + timedelta(days=1)) == []
    assert talks.conversations.list_conversations("acme", limit=17).next_cursor is None
    with pytest.raises(ValueError, match="cursor"):
        talks.conversations.list_conversations("acme", limit=1, cursor="?")


def test_an_earlier_call_moves_its_conversation_in_the_list(talks: Talks) -> None:
    talks.settle(talks.call(5, "old"), talks.call(9, "new"))
    assert talks.listed() == ["new", "old"]
    talks.settle(talks.call(2, "new"))
    assert talks.listed() == ["old", "new"]


def test_a_conversation_that_the_index_has_twice_is_listed_once(talks: Talks, monkeypatch: pytest.MonkeyPatch) -> None:
    talks.settle(talks.call(5, "one"), talks.call(9, "other"))
    entries = Table.newest_in_index

    def twice(table: Table, *page: Any) -> Iterator[dict[str, Any]]:
        return (entry for entry in entries(table, *page) for _ in range(2))

    monkeypatch.setattr(Table, "newest_in_index", twice)
    assert talks.listed() == ["other", "one"]


def test_the_calls_of_a_conversation_come_in_order(talks: Talks) -> None:
    calls = [talks.call(minute, project=project) for project in ("acme", "other") for minute in range(30)]
    calls += [talks.call(minute, "conv_2") for minute in range(3)]
    calls += [talks.call(minute, None, turn=Turn("t", thread_id="ab")) for minute in range(3)]
    talks.settle(*Random(1).sample(calls, len(calls)))
    assert _calls_of(talks, "conv_1", limit=7) == [talks.stored(call) for call in calls[:30]]
    assert _calls_of(talks, "conv_1", limit=30) == [talks.stored(call) for call in calls[:30]]
    assert [call.trace_id for call in _calls_of(talks, "thread:ab", 2)] == [call.trace_id for call in calls[-3:]]
    assert _calls_of(talks, "nobody", 2) == []
    with pytest.raises(ValueError, match="cursor"):
        talks.conversations.conversation_calls("acme", "conv_1", limit=1, cursor="?")


@pytest.mark.parametrize("name", [keyspace.CONVERSATION_SUMS, keyspace.CONVERSATION_FACTS])
def test_a_conversation_that_has_expired_in_part_is_not_listed(talks: Talks, name: str) -> None:
    talks.settle(talks.call(0, "gone"), talks.call(1, "kept"))
    for item in items_of(talks.client, talks.table):
        if item["sk"] == {"S": name} and "#gone#" in item["pk"]["S"]:
            talks.client.delete_item(TableName=talks.table, Key={"pk": item["pk"], "sk": item["sk"]})
    assert talks.listed() == ["kept"]
    assert talks.find("gone") is None


def test_conversations_are_read_with_few_requests_and_no_scan(talks: Talks) -> None:
    talks.settle(*(talks.call(number, f"conv_{number}") for number in range(60)))
    client, asked = connect_once(talks.endpoint), list[str]()
    client.meta.events.register("before-call.dynamodb", lambda model, **_event: asked.append(model.name))
    conversations = DynamoConversations(client, talks.table)
    assert len(conversations.list_conversations("acme", limit=20).conversations) == 20
    assert sorted(asked) == ["BatchGetItem"] + ["Query"] * len(keyspace.TOTALS_SHARDS)
    asked.clear()
    assert conversations.find_conversation("acme", "conv_7") is not None
    assert asked == ["BatchGetItem"]
    asked.clear()
    assert len(conversations.conversation_calls("acme", "conv_7", limit=20).traces) == 1
    assert sorted(asked) == ["BatchGetItem"] + ["Query"] * len(keyspace.SHARDS)


def _calls_of(talks: Talks, name: str, limit: int) -> list[Trace]:
    """Every page of the conversation's calls."""
    found: list[Trace] = []
    cursor = None
    while True:
        page = talks.conversations.conversation_calls("acme", name, limit=limit, cursor=cursor)
        found += page.traces
        if (cursor := page.next_cursor) is None:
            return found
