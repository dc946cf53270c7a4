"""Search rows on a real engine: what they cost, that none is missing after a crash, and that any value fits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.search_terms import DEFAULT_METADATA
from switchboard.domain.trace import Bodies, Status, Trace, Turn
from switchboard.domain.trace_search import TraceSearch
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import StoreBusy, StoreUnavailable
from switchboard.store.search.search_rows import DynamoSearchRows
from testkit.dynamodb import item_bytes, items_of
from testkit.misfortune import Killed
from testkit.samples import NOON, a_usual_usage, an_open_trace
from testkit.search_world import SearchWorld
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

HOSTILE = ["", "#", "%23", "a#0", "a%230", "x" * 1900, "ä🙂" * 300, "\x00", "'; --", "thread:", " "]
USUAL = {
    "conversation-id": "conv_01jzq8w6",
    "caller-id": "+4930123456",
    "agent-id": "agent_01jz",
    "call-sid": "CA1f2e3d4c5b6a79880716253443526170",
    "called-number": "+4989654321",
    "call-duration-secs": "61",
}


def finished(seconds: int = 0, **fields: Any) -> Trace:
    trace = an_open_trace(started_at=NOON + timedelta(seconds=seconds))
    usual = {"status": Status.OK, "usage": a_usual_usage(), "duration_ms": 1500.0, "ttft_ms": 400.0, "metadata": USUAL}
    return replace(trace, **{**usual, **fields})


def search_rows(client: "DynamoDBClient", table: str) -> "list[dict[str, Any]]":
    return [item for item in items_of(client, table) if "#SEARCH#" in item["pk"]["S"]]


def stored(client: "DynamoDBClient", table: str, traces: Sequence[Trace]) -> None:
    store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
    for trace in traces:
        store.complete_trace(trace, Bodies())


def test_a_usual_call_costs_eight_units_and_again_when_it_is_delivered_again(
    dynamodb_endpoint: str, table: str
) -> None:
    client, consumed = connect_once(dynamodb_endpoint), list[float]()

    def ask(params: dict[str, Any], **_event: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def note(parsed: dict[str, Any], **_event: object) -> None:
        consumed.append(sum(each["CapacityUnits"] for each in parsed["ConsumedCapacity"]))

    client.meta.events.register("provide-client-params.dynamodb.BatchWriteItem", ask)
    client.meta.events.register("after-call.dynamodb.BatchWriteItem", note)
    rows = DynamoSearchRows(client, table, DEFAULT_METADATA)
    rows.write([finished()])
    assert consumed == [8]
    traces = [finished(second) for second in range(50)]
    for _ in range(2):
        consumed.clear()
        rows.write(traces)
        assert len(consumed) == 50 * 8 / 25
        assert sum(consumed) == 50 * 8


def test_rows_have_keys_marks_and_the_traces_end_and_are_far_below_a_unit(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    end = int(NOON.timestamp()) + 86_400
    longest = "p" * 512
    traces = [
        finished(expires_at=end),
        finished(project=longest, task_id="t" * 256, status=Status.TIMEOUT, expires_at=end),
    ]
    DynamoSearchRows(dynamodb, table, DEFAULT_METADATA).write(traces)
    rows = search_rows(dynamodb, table)
    assert len(rows) == 8 + 9
    assert {tuple(sorted(row)) for row in rows} == {("expires_at", "m", "pk", "sk")}
    assert {row["expires_at"]["N"] for row in rows} == {str(end)}
    assert max(item_bytes(row) for row in rows if longest not in row["pk"]["S"]) < 200
    assert max(map(item_bytes, rows)) < 1024


@pytest.mark.parametrize("name", ["caller-id", "conversation-id"])
def test_hostile_values_are_found_by_themselves_only(dynamodb: "DynamoDBClient", table: str, name: str) -> None:
    world = SearchWorld(dynamodb, table)
    traces = {value: finished(number, metadata={name: value}) for number, value in enumerate(HOSTILE)}
    world.add([*traces.values()])
    for value, trace in traces.items():
        if value or name == "caller-id":
            assert world.found("acme", TraceSearch(metadata={name: value})) == [trace.trace_id]
    assert world.found("acme", TraceSearch(metadata={name: "\ud800"})) == []
    labels = [finished(90 + number, environment=value, key_id=value) for number, value in enumerate(HOSTILE)]
    world.add(labels)
    for trace in labels:
        assert world.found("acme", TraceSearch(environment=trace.environment)) == [trace.trace_id]
        assert world.found("acme", TraceSearch(key_id=trace.key_id)) == [trace.trace_id]


def test_a_model_with_a_long_name_is_found_by_its_provider(dynamodb: "DynamoDBClient", table: str) -> None:
    world = SearchWorld(dynamodb, table)
    models = ["m" * 500, "m" * 501, "short"]
    traces = [finished(number, provider="groq", model=model) for number, model in enumerate(models)]
    world.add(traces)
    assert world.found("acme", TraceSearch(provider="groq")) == [trace.trace_id for trace in reversed(traces)]
    for trace in traces:
        assert world.found("acme", TraceSearch(model=trace.model)) == [trace.trace_id]
        assert world.found("acme", TraceSearch(model=trace.model, provider="groq")) == [trace.trace_id]


def test_projects_whose_names_look_alike_are_apart(dynamodb: "DynamoDBClient", table: str) -> None:
    world = SearchWorld(dynamodb, table)
    traces = {name: finished(project=name) for name in ("acme", "acme#SEARCH", "acm", "", "ACME", "x" * 600, "x" * 601)}
    world.add([*traces.values()])
    for name, trace in traces.items():
        assert world.found(name, TraceSearch(environment="production")) == [trace.trace_id]


def test_a_call_without_a_conversation_is_found_by_its_thread(dynamodb: "DynamoDBClient", table: str) -> None:
    world = SearchWorld(dynamodb, table)
    turn = Turn("turn", 0, "0a1b")
    named, threaded = finished(turn=turn), finished(1, turn=turn, metadata={})
    world.add([named, threaded])
    assert world.found("acme", TraceSearch(metadata={"conversation-id": "thread:0a1b"})) == [threaded.trace_id]


def test_deleted_traces_are_passed_over(dynamodb: "DynamoDBClient", table: str) -> None:
    world = SearchWorld(dynamodb, table)
    traces = [finished(second) for second in range(9)]
    world.add(traces)
    for trace in traces[4:8]:
        key = {"pk": {"S": f"P#acme#TRACES#{_shard(dynamodb, table, trace)}"}, "sk": {"S": trace.trace_id}}
        dynamodb.delete_item(TableName=table, Key=key)
    pages = [*world.pages("acme", TraceSearch(environment="production"), limit=3)]
    found = [trace.trace_id for page in pages for trace in page.traces]
    assert found == [trace.trace_id for trace in reversed([*traces[:4], traces[8]])]


def _shard(client: "DynamoDBClient", table: str, trace: Trace) -> str:
    [row] = [
        row for row in items_of(client, table) if row["sk"]["S"] == trace.trace_id and "#TRACES#" in row["pk"]["S"]
    ]
    return row["pk"]["S"][-1]


@pytest.mark.parametrize("dies_before", ["BatchWriteItem", "TransactWriteItems", "PutItem"])
def test_no_row_is_missing_after_a_crash_and_a_redelivery(
    dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str, dies_before: str
) -> None:
    traces = [finished(second) for second in range(12)]
    stored(dynamodb, table, traces)
    event = stream_event(traces)
    killed = connect_once(dynamodb_endpoint)

    def die(**_event: object) -> None:
        raise Killed

    killed.meta.events.register(f"before-call.dynamodb.{dies_before}", die)
    with pytest.raises(Killed):
        an_aggregator(killed, table, Seen()).handle(event, lambda: 60_000)
    for _ in range(2):
        assert an_aggregator(dynamodb, table, Seen(), seed=2).handle(event, lambda: 60_000) == {"batchItemFailures": []}
        rows = search_rows(dynamodb, table)
        assert len(rows) == len(traces) * 8
        assert {row["sk"]["S"] for row in rows} == {trace.trace_id for trace in traces}


def test_records_whose_rows_are_not_written_are_returned_and_written_when_delivered_again(
    dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str
) -> None:
    traces = [finished(second) for second in range(5)]
    stored(dynamodb, table, traces)
    client = connect_once(dynamodb_endpoint)
    away = [True]

    def throttle(http_response: Any, parsed: dict[str, Any], **_event: object) -> None:
        if away[0]:
            http_response.status_code = 400
            parsed.clear()
            parsed["Error"] = {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}
            parsed["ResponseMetadata"] = {"HTTPStatusCode": 400}

    client.meta.events.register("after-call.dynamodb.BatchWriteItem", throttle)
    left_ms = iter([*range(60_000, 0, -4000), *[0] * 100])
    seen = Seen()
    answer = an_aggregator(client, table, seen).handle(stream_event(traces), lambda: next(left_ms))
    assert len(answer["batchItemFailures"]) == 5  # type: ignore[arg-type]
    assert seen.named("batch.deferred")
    away[0] = False
    assert an_aggregator(client, table, seen).handle(stream_event(traces), lambda: 60_000) == {"batchItemFailures": []}
    assert len(search_rows(dynamodb, table)) == 5 * 8


def test_unprocessed_rows_are_put_again_and_a_store_that_is_away_is_told(
    dynamodb_endpoint: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, left = connect_once(dynamodb_endpoint), [2]
    sent: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_event: object) -> None:
        sent.append(params["RequestItems"])

    def leave_some(parsed: dict[str, Any], **_event: object) -> None:
        if left[0]:
            left[0] -= 1
            parsed["UnprocessedItems"] = {table: sent[-1][table][:3]}

    client.meta.events.register("provide-client-params.dynamodb.BatchWriteItem", note)
    client.meta.events.register("after-call.dynamodb.BatchWriteItem", leave_some)
    rows = DynamoSearchRows(client, table, DEFAULT_METADATA)
    rows.write([finished()])
    assert [len(each[table]) for each in sent] == [8, 3, 3]
    left[0] = 100
    with pytest.raises(StoreBusy, match="3 of 8 rows"):
        rows.write([finished()])
    with pytest.raises(StoreBusy):
        DynamoSearchRows(connect_once("http://127.0.0.1:9"), table, DEFAULT_METADATA).write([finished()])
    left[0] = 0
    with pytest.raises(StoreUnavailable):
        DynamoSearchRows(client, "no-such-table", DEFAULT_METADATA).write([finished()])
