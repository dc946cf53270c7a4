"""Every record of the table's stream reaches the aggregator soon, and again until it is settled."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from cost_aggregator.poison import PoisonMessage, QueueUnavailable
from cost_aggregator.records import RecordId
from switchboard.domain.totals import Totals
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.usage import Tokens, Usage, UsageSource
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.totals import DynamoTotals
from switchboard_local.event_filter import EventFilter
from switchboard_local.event_source import EventSource, Handle
from switchboard_local.poison_file import PoisonFile
from switchboard_local.schedule import Schedule
from switchboard_local.stream_event import to_lambda
from switchboard_local.table_stream import Checkpoint, TableStream, connect_streams
from testkit.samples import NOON, an_open_trace
from testkit.stream_events import PATTERN, Seen, an_aggregator, connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WAIT_S = 10.0
PROCESS = """
import sys
from pathlib import Path
from switchboard_local.event_filter import EventFilter
from switchboard_local.event_source import EventSource
from testkit.stream_events import PATTERN, Seen, an_aggregator, connect_once
endpoint, table, arn, checkpoint = sys.argv[1:]
aggregator = an_aggregator(connect_once(endpoint), table, Seen())
def handle(event, remaining_ms):
    answer = aggregator.handle(event, remaining_ms)
    print(len(event["Records"]), flush=True)
    return answer
with EventSource(endpoint=endpoint, stream_arn=arn, checkpoint=Path(checkpoint), event_filter=EventFilter([PATTERN]),
          handle=handle, show=print):
    print("started", flush=True)
    sys.stdin.read()
"""


class StreamedTable:
    """A table, its stream, and a file for the checkpoint."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str, folder: Path) -> None:
        self.client = client
        self.endpoint = endpoint
        self.table = table
        self.arn = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        [shard] = connect_streams(endpoint).describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        self.shard_id = shard["ShardId"]
        self.checkpoint = folder / "stream.json"
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.shown: list[str] = []

    @contextmanager
    def event_source(self, handle: Handle, arn: str | None = None) -> Iterator[EventSource]:
        with EventSource(
            endpoint=self.endpoint,
            stream_arn=arn or self.arn,
            checkpoint=self.checkpoint,
            event_filter=EventFilter([PATTERN]),
            handle=handle,
            show=self.shown.append,
        ) as running:
            yield running

    def finish(self, **fields: Any) -> Trace:
        usage = Usage(UsageSource.PROVIDER, Tokens(1000, 100))
        open_trace = an_open_trace(started_at=fields.pop("started_at", NOON))
        trace = replace(open_trace, status=Status.OK, usage=usage, duration_ms=0.0, **fields)
        self.store.open_trace(open_trace)
        self.store.complete_trace(trace, Bodies())
        return trace

    def totals(self) -> Totals:
        [task] = DynamoTotals(self.client, self.table).task_totals("acme")
        return task.totals


class Calls:
    """An aggregator that records its events, and answers as given; by default that nothing failed."""

    def __init__(self, *answers: Callable[[list[str]], Mapping[str, Any]]) -> None:
        self.batches: Queue[list[str]] = Queue()
        self._answers = list(answers)

    def handle(self, event: Mapping[str, Any], remaining_ms: Callable[[], float]) -> Mapping[str, Any]:
        assert remaining_ms() > 0
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        self.batches.put([record["dynamodb"]["Keys"]["sk"]["S"] for record in event["Records"]])
        return self._answers.pop(0)(numbers) if self._answers else {"batchItemFailures": []}

    def next_ids(self, count: int) -> list[str]:
        """The trace ids of the next records, in order."""
        ids: list[str] = []
        while len(ids) < count:
            ids += self.batches.get(timeout=WAIT_S)
        return ids


@pytest.fixture
def streamed(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str, tmp_path: Path) -> StreamedTable:
    return StreamedTable(dynamodb, dynamodb_endpoint, table, tmp_path)


@pytest.mark.alone
def test_a_call_is_settled_within_a_second(streamed: StreamedTable) -> None:
    done: Queue[datetime] = Queue()
    aggregator, sweeping = (an_aggregator(connect_once(streamed.endpoint), streamed.table, Seen()) for _ in range(2))

    def handle(event: Mapping[str, Any], remaining_ms: Callable[[], float]) -> Mapping[str, Any]:
        answer = aggregator.handle(event, remaining_ms)
        done.put(datetime.now(UTC))
        return answer

    with streamed.event_source(handle), Schedule(sweeping.handle, streamed.shown.append):  # publishes the price book
        for number in range(5):
            trace = streamed.finish()
            ended_at = datetime.now(UTC)
            assert done.get(timeout=WAIT_S) - ended_at < timedelta(seconds=1)
            kept = streamed.store.find_trace("acme", trace.trace_id)
            assert kept
            assert kept.settlement
            assert kept.settlement.cost_pico_usd == 1000 * 3_000_000 + 100 * 15_000_000
            assert streamed.totals().calls == number + 1
    assert streamed.shown == []


def test_only_finished_calls_are_delivered_once_and_in_order(streamed: StreamedTable) -> None:
    calls = Calls()
    traces = [streamed.finish(started_at=NOON + timedelta(seconds=number)).trace_id for number in range(250)]
    with streamed.event_source(calls.handle):
        given = calls.next_ids(250)
        last = streamed.finish().trace_id
        assert calls.next_ids(1) == [last]
    assert sorted(given) == sorted(traces)
    assert given == traces


def test_the_next_run_continues_after_the_last_record(streamed: StreamedTable) -> None:
    first, second = Calls(), Calls()
    before = streamed.finish().trace_id
    with streamed.event_source(first.handle):
        assert first.next_ids(1) == [before]
    after = streamed.finish().trace_id
    with streamed.event_source(second.handle):
        assert second.next_ids(1) == [after]
    assert first.batches.empty()


def test_a_failed_record_and_all_after_it_are_delivered_again(streamed: StreamedTable) -> None:
    calls = Calls(
        lambda numbers: {"batchItemFailures": [{"itemIdentifier": numbers[4]}, {"itemIdentifier": numbers[2]}]}
    )
    traces = [streamed.finish().trace_id for _ in range(6)]
    with streamed.event_source(calls.handle):
        assert calls.next_ids(6) == traces
        assert calls.next_ids(4) == traces[2:]
    [shown] = streamed.shown
    assert "2 records are not settled yet" in shown


def test_the_whole_batch_is_delivered_again_if_the_aggregator_raises(streamed: StreamedTable) -> None:
    def fail(_numbers: list[str]) -> Mapping[str, Any]:
        raise ZeroDivisionError("a bug")

    calls = Calls(fail, fail)
    traces = [streamed.finish().trace_id for _ in range(3)]
    with streamed.event_source(calls.handle):
        for _ in range(3):
            assert calls.next_ids(3) == traces
    [shown] = streamed.shown
    assert "ZeroDivisionError: a bug" in shown
    assert json.loads(streamed.checkpoint.read_text())["stream_arn"] == streamed.arn


DAMAGED = [
    b"",
    b"not json",
    b"\xff\xfe",
    b"[" * 100_000,
    b"[]",
    b"null",
    b"7",
    b"{}",
    b'{"stream_arn": "another", "done": {"shard": "99999999999"}}',
    b'{"stream_arn": "THIS"}',
    b'{"stream_arn": "THIS", "done": null}',
    b'{"stream_arn": "THIS", "done": ["SHARD"]}',
    b'{"stream_arn": "THIS", "done": {"SHARD": 7}}',
    b'{"stream_arn": "THIS", "done": {"SHARD": "x"}}',
    b'{"stream_arn": "THIS", "done": {"SHARD": "-1"}}',
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_checkpoint_or_one_of_another_stream_is_ignored(streamed: StreamedTable, content: bytes) -> None:
    streamed.checkpoint.write_bytes(
        content.replace(b"THIS", streamed.arn.encode()).replace(b"SHARD", streamed.shard_id.encode())
    )
    calls = Calls()
    trace = streamed.finish().trace_id
    with streamed.event_source(calls.handle):
        assert calls.next_ids(1) == [trace]
    assert streamed.shown == []
    assert json.loads(streamed.checkpoint.read_bytes())["stream_arn"] == streamed.arn


@pytest.mark.parametrize("ahead", ["8", "123456", "9" * 21, "9" * 40])
def test_a_checkpoint_after_the_end_of_the_stream_is_said_and_dropped(streamed: StreamedTable, ahead: str) -> None:
    content = {"stream_arn": streamed.arn, "done": {streamed.shard_id: ahead}}
    streamed.checkpoint.write_text(json.dumps(content))
    calls = Calls()
    traces = [streamed.finish().trace_id for _ in range(3)]  # six records: each call is opened and completed
    with streamed.event_source(calls.handle):
        assert calls.next_ids(3) == traces
        last = streamed.finish().trace_id
        assert calls.next_ids(1) == [last]
    [shown] = streamed.shown
    assert "after the end of the table's stream" in shown
    assert json.loads(streamed.checkpoint.read_text())["done"] == {streamed.shard_id: "8"}
    after = Calls()
    with streamed.event_source(after.handle):
        trace = streamed.finish().trace_id
        assert after.next_ids(1) == [trace]
    assert len(streamed.shown) == 1


def test_a_position_after_the_end_is_removed_from_the_file_at_once(streamed: StreamedTable) -> None:
    streamed.checkpoint.write_text(json.dumps({"stream_arn": streamed.arn, "done": {streamed.shard_id: "99"}}))
    streamed.finish()
    checkpoint = Checkpoint(streamed.checkpoint, streamed.arn)
    assert TableStream(connect_streams(streamed.endpoint), streamed.arn, checkpoint).find_shards()
    assert Checkpoint(streamed.checkpoint, streamed.arn).done(streamed.shard_id) is None


def test_a_checkpoint_at_the_end_of_the_stream_is_right(streamed: StreamedTable) -> None:
    for _ in range(6):  # twelve records: "9" is the greatest number as text, "12" the last
        streamed.finish()
    streamed.checkpoint.write_text(json.dumps({"stream_arn": streamed.arn, "done": {streamed.shard_id: "12"}}))
    calls = Calls()
    with streamed.event_source(calls.handle):
        trace = streamed.finish().trace_id
        assert calls.next_ids(1) == [trace]
    assert streamed.shown == []


def test_a_checkpoint_that_cannot_be_written_is_said_once_and_stops_nothing(streamed: StreamedTable) -> None:
    streamed.checkpoint.mkdir()
    calls = Calls()
    with streamed.event_source(calls.handle):
        for _ in range(3):
            trace = streamed.finish().trace_id
            assert calls.next_ids(1) == [trace]
    [shown] = streamed.shown
    assert "cannot write its position" in shown


def test_a_killed_process_settles_each_call_exactly_once(streamed: StreamedTable) -> None:
    command = [sys.executable, "-c", PROCESS, streamed.endpoint, streamed.table, streamed.arn, str(streamed.checkpoint)]
    expected = 0
    for kills in range(3):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline()  # it has started
            for _ in range(60):
                expected += 1
                streamed.finish(started_at=NOON + timedelta(minutes=expected))
            if kills < 2:
                process.kill()  # while it is working
            else:
                while streamed.totals().calls < expected:
                    assert process.stdout.readline()
                process.communicate()
    assert streamed.totals().calls == expected == 180
    assert streamed.totals().cost_pico_usd == 180 * (1000 * 3_000_000 + 100 * 15_000_000)


def test_a_record_has_the_format_of_lambdas_events() -> None:
    record = {
        "eventID": "1",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 11, 20, 12, tzinfo=UTC),
            "NewImage": {"b": {"B": b"\x00\xff"}, "bs": {"BS": [b"a"]}, "n": {"N": "1.50"}, "l": {"L": [{"B": b"x"}]}},
        },
    }
    event = to_lambda(record, "arn:one")
    assert json.loads(json.dumps(event)) == {
        "eventID": "1",
        "eventSourceARN": "arn:one",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795176000.0,
            "NewImage": {"b": {"B": "AP8="}, "bs": {"BS": ["YQ=="]}, "n": {"N": "1.50"}, "l": {"L": [{"B": "eA=="}]}},
        },
    }


def test_poison_is_shown_and_written_to_the_file(tmp_path: Path) -> None:
    shown: list[str] = []
    path = tmp_path / "poison.jsonl"
    PoisonFile(path, shown.append).put(PoisonMessage(RecordId("7", "P#acme#TRACES#1", "the-trace"), "cannot be read"))
    [line] = shown
    assert "the-trace cannot be settled: cannot be read" in line
    assert json.loads(path.read_text()) == {
        "pk": "P#acme#TRACES#1",
        "sk": "the-trace",
        "sequence_number": "7",
        "reason": "cannot be read",
    }
    with pytest.raises(QueueUnavailable):
        PoisonFile(tmp_path, shown.append).put(PoisonMessage(RecordId("7", "a", "b"), "cannot be read"))
