"""Conversations on a real engine: sums of their calls, facts that heal, and lists by the first call."""

from dataclasses import replace
from functools import reduce
from operator import or_
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.conversation import STALL_MS
from switchboard.domain.conversation_facts import facts_of
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Failure, Status, Trace, Turn
from switchboard.store import keyspace
from switchboard.store.attributes import decode_item
from switchboard.store.conversations import conversation_items
from switchboard.store.conversations.conversation_facts import DynamoConversationFacts
from switchboard.store.conversations.conversation_reader import DynamoConversations
from switchboard.store.ledger.group import pack
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ports import StoreBusy, StoreUnavailable
from testkit.conversations import EXPIRES_AT, Talks, conversation_of_all, finished_call
from testkit.dynamodb import items_of
from testkit.misfortune import Fault, Killed, Misfortune
from testkit.samples import NOON, one_price
from testkit.stream_events import connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

CARD = RateCard("anthropic", "claude-sonnet-4-5", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")
HOSTILE = ["a", "a#0", "a%230", "thread:", "x" * 2000, "x" * 2001, "ä🙂\n", "P#acme#CONVERSATION#a#0", " "]


@pytest.fixture
def talks(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Talks:
    return Talks(dynamodb, dynamodb_endpoint, table)


def test_a_conversation_has_the_sums_and_the_facts_of_its_calls(talks: Talks) -> None:
    told = {"conversation-id": "conv_1", "call-duration-secs": "95"}
    calls = [
        talks.call(0, turn=Turn("t1"), metadata={"conversation-id": "conv_1", "call-duration-secs": "9"}),
        talks.call(1, turn=Turn("t2"), longest_stall_ms=STALL_MS, ttft_ms=950.0, model="claude-haiku-4-5"),
        talks.call(1.1, turn=Turn("t2", 1), metadata=told, longest_stall_ms=30.0),
        talks.call(2, status=Status.TIMEOUT, failure=Failure("timeout", "Late.", 504), ttft_ms=None),
    ]
    talks.settle(*calls)
    found = talks.find()
    assert found == talks.expected(calls)
    assert found is not None
    assert (found.totals.calls, found.turns, found.retries, found.stalls, found.totals.errors) == (4, 3, 1, 1, 1)
    assert found.totals.cost_pico_usd > 0
    assert (found.call_duration_s, found.facts.worst_ttft_ms, found.facts.longest_stall_ms) == (95, 950, STALL_MS)
    assert found.facts.models == ("anthropic/claude-haiku-4-5", "anthropic/claude-sonnet-4-5")
    assert (found.facts.first_id, found.facts.last_id) == (calls[0].trace_id, calls[3].trace_id)


def test_a_thread_stands_in_where_a_call_has_no_conversation_id(talks: Talks) -> None:
    calls = [talks.call(minute, None, turn=Turn(f"t{minute}", thread_id="ab12")) for minute in range(2)]
    without = talks.call(3, None, turn=Turn("t4"))
    talks.settle(*calls, without)
    found = talks.find("thread:ab12")
    assert found == talks.expected(calls)
    assert found is not None
    assert found.is_thread
    assert talks.listed() == ["thread:ab12"]


def test_calls_that_are_delivered_again_in_any_order_change_nothing(talks: Talks) -> None:
    calls = [talks.call(minute) for minute in range(12)]
    random = Random(3)
    for _ in range(6):
        talks.settle(*random.sample(calls, 7))
    talks.settle(*reversed(calls))
    assert talks.find() == talks.expected(calls)


def test_a_conversation_of_500_calls_on_every_shard(talks: Talks) -> None:
    numbers = range(500)
    calls = [talks.call(number / 10, turn=Turn("t", number % 3), expires_at=EXPIRES_AT) for number in numbers]
    calls = [settled(call, one_price(CARD), NOON) for call in calls]
    ledgers = [DynamoLedger(talks.client, talks.table, random=Random(seed)) for seed in range(6)]
    facts = DynamoConversationFacts(talks.client, talks.table)
    for number, group in enumerate(pack(calls)):
        facts.write(ledgers[number % len(ledgers)].settle(group).fresh)
    found = talks.find()
    assert found == conversation_of_all(calls)
    assert found is not None
    assert (found.totals.calls, found.totals.cost_pico_usd) == (500, 500 * (3 * 212 + 15 * 87 + 20_480))
    sums = [item for item in items_of(talks.client, talks.table) if item["sk"] == {"S": keyspace.CONVERSATION_SUMS}]
    assert len(sums) > 1


def test_equal_and_hostile_ids_of_two_projects_do_not_mix(talks: Talks) -> None:
    projects = ["acme", "acme#CONVERSATION#a"]
    calls = {
        (project, name): [talks.call(minute, name, project=project) for minute in range(1 + number % 3)]
        for project in projects
        for number, name in enumerate(HOSTILE)
    }
    talks.settle(*(call for own in calls.values() for call in own))
    for (project, name), own in calls.items():
        found = talks.find(name, project)
        assert found is not None
        assert found == talks.expected(own)
    for project in projects:
        page = talks.conversations.list_conversations(project, limit=100)
        assert sorted(each.totals.calls for each in page.conversations) == sorted(
            1 + n % 3 for n in range(len(HOSTILE))
        )
    assert talks.find("b") is talks.find("a", "other") is None


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_facts_that_a_crash_prevented_are_written_with_the_next_delivery(talks: Talks, fault: Fault) -> None:
    misfortune = Misfortune(talks.sandbox, "PutItem")
    first, second = talks.call(0), talks.call(1)
    talks.settle(first)
    misfortune.faults[:] = [fault]
    with pytest.raises(Killed):
        talks.deliver(second)
    found = talks.find()
    assert found is not None
    assert found.totals.calls == 2
    assert (found == talks.expected([first, second])) is (fault is Fault.KILLED_AFTER)
    talks.settle(second)
    assert talks.find() == talks.expected([first, second])


def test_a_conversation_is_not_found_before_its_facts_are(talks: Talks) -> None:
    Misfortune(talks.sandbox, "PutItem").faults[:] = [Fault.KILLED_BEFORE]
    call = talks.call()
    with pytest.raises(Killed):
        talks.deliver(call)
    assert talks.find() is None
    talks.settle(call)
    assert talks.find() == talks.expected([call])


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.ANSWER_LOST])
def test_facts_are_tried_again_while_there_is_time(talks: Talks, fault: Fault) -> None:
    misfortune = Misfortune(talks.sandbox, "PutItem")
    misfortune.faults[:] = [fault] * 3
    call = talks.call()
    talks.settle(call)
    assert misfortune.faults == [] if fault is Fault.THROTTLED else [fault] * 2
    assert talks.find() == talks.expected([call])


def test_records_whose_facts_cannot_be_written_in_time_are_delivered_again(talks: Talks) -> None:
    misfortune = Misfortune(talks.sandbox, "PutItem")
    misfortune.faults[:] = [Fault.THROTTLED] * 1000
    calls = [talks.call(0), talks.call(1)]
    left = iter(range(60_000, 0, -1000))
    failed = talks.aggregator.settling.settle(stream_event(calls)["Records"], lambda: next(left))
    assert len(failed) == 2
    assert len(misfortune.faults) < 1000
    misfortune.faults.clear()
    talks.settle(*calls)
    assert talks.find() == talks.expected(calls)


def test_facts_change_under_other_writers(talks: Talks) -> None:
    calls = [replace(finished_call(number), ttft_ms=100.0 * number) for number in range(6)]
    other, client = DynamoConversationFacts(talks.client, talks.table), connect_once(talks.endpoint)
    left = calls[1:5]
    client.meta.events.register("before-send.dynamodb.PutItem", lambda **_event: _write_one(other, left))
    DynamoConversationFacts(client, talks.table).write([calls[0], calls[5]])
    assert left == []
    [row] = items_of(talks.client, talks.table)
    assert conversation_items.facts_from_item(decode_item(row)) == reduce(or_, map(facts_of, calls))


def test_facts_that_always_change_are_busy(talks: Talks) -> None:
    other, client = DynamoConversationFacts(talks.client, talks.table), connect_once(talks.endpoint)
    many = [finished_call(number) for number in range(100)]
    client.meta.events.register("before-send.dynamodb.PutItem", lambda **_event: _write_one(other, many))
    with pytest.raises(StoreBusy, match="changed during"):
        DynamoConversationFacts(client, talks.table).write([finished_call(2000)])


def test_facts_that_the_store_refuses_go_to_the_queue_and_the_others_are_written(talks: Talks) -> None:
    calls = [talks.call(0, "bad"), talks.call(1, "good"), talks.call(2, "fine")]

    def refuse(params: dict[str, Any], **_event: object) -> None:
        if params["Item"].get("conversation_id") == {"S": "bad"}:
            params["Item"]["sk"] = {"S": ""}

    talks.sandbox.meta.events.register("provide-client-params.dynamodb.PutItem", refuse)
    talks.settle(*calls)
    assert talks.listed() == ["fine", "good"]
    [poison] = talks.seen.poison
    assert poison.record_id.sk == calls[0].trace_id
    assert talks.stored(calls[0]).settlement is not None


def test_rows_expire_with_the_last_of_the_traces(talks: Talks) -> None:
    calls = [talks.call(0), talks.call(1)]
    talks.settle(*calls)
    rows = {item["sk"]["S"]: item for item in items_of(talks.client, talks.table)}
    assert int(rows[keyspace.CONVERSATION_SUMS]["expires_at"]["N"]) >= EXPIRES_AT
    assert rows[keyspace.CONVERSATION_FACTS]["expires_at"] == {"N": str(EXPIRES_AT)}
    later = replace(calls[1], expires_at=EXPIRES_AT + 86_400)
    DynamoConversationFacts(talks.client, talks.table).write([later])
    DynamoConversationFacts(talks.client, talks.table).write(calls)
    found = talks.find()
    assert found is not None
    assert found.facts.expires_at == EXPIRES_AT + 86_400


def test_what_facts_cost_in_units(talks: Talks) -> None:
    client, asked = connect_once(talks.endpoint), list[tuple[str, float]]()
    _note_units(client, asked)
    facts = DynamoConversationFacts(client, talks.table)
    first, second, earlier = finished_call(1), finished_call(2), finished_call(0)
    for call, writes in ((first, [2]), (second, [1]), (first, []), (earlier, [3])):
        asked.clear()
        facts.write([call])
        assert asked == [("BatchGetItem", 1), *(("PutItem", units) for units in writes)]


def test_a_table_that_is_not_there_is_unavailable(talks: Talks) -> None:
    with pytest.raises(StoreUnavailable):
        DynamoConversations(talks.client, "no-such-table").find_conversation("acme", "conv_1")
    with pytest.raises(StoreUnavailable):
        DynamoConversationFacts(talks.client, "no-such-table").write([finished_call()])


def _write_one(facts: DynamoConversationFacts, left: list[Trace]) -> None:
    if left:
        facts.write([left.pop()])


def _note_units(client: "DynamoDBClient", noted: list[tuple[str, float]]) -> None:
    """Notes what each request to the facts consumes."""

    def ask(params: dict[str, Any], **_event: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def note(parsed: dict[str, Any], model: Any, **_event: object) -> None:
        consumed = parsed["ConsumedCapacity"]
        units = sum(each["CapacityUnits"] for each in ([consumed] if isinstance(consumed, dict) else consumed))
        noted.append((model.name, units))

    for name in ("PutItem", "BatchGetItem"):
        client.meta.events.register(f"provide-client-params.dynamodb.{name}", ask)
        client.meta.events.register(f"after-call.dynamodb.{name}", note)
