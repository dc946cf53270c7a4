"""What the table's stream tells reaches the aggregator: soon, all of it, and again until it is done."""

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
from switchboard.store.ledger_totals import DynamoTotals
from switchboard_local import pump
from switchboard_local.event_filter import EventFilter
from switchboard_local.pump import SCHEDULED_EVENT, Handle, Pump
from switchboard_local.shown_poison import ShownPoison
from switchboard_local.stream_event import to_lambda
from testkit.samples import NOON, an_open_trace
from testkit.stream_events import PATTERN, Seen, an_aggregator, connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WAIT_S = 10.0
PROCESS = """
import sys
from pathlib import Path
from switchboard_local.event_filter import EventFilter
from switchboard_local.pump import Pump
from testkit.stream_events import PATTERN, Seen, an_aggregator, connect_once
endpoint, table, arn, checkpoint = sys.argv[1:]
aggregator = an_aggregator(connect_once(endpoint), table, Seen())
def handle(event, remaining_ms):
    answer = aggregator.handle(event, remaining_ms)
    print(len(event.get("Records", ())), flush=True)
    return answer
with Pump(endpoint=endpoint, stream_arn=arn, checkpoint=Path(checkpoint), event_filter=EventFilter([PATTERN]),
          handle=handle, say=print):
    sys.stdin.read()
"""


class Here:
    """A table, its stream, and a file for the checkpoint."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str, folder: Path) -> None:
        self.client = client
        self.endpoint = endpoint
        self.table = table
        self.arn = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        self.checkpoint = folder / "stream.json"
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.said: list[str] = []

    @contextmanager
    def pump(self, handle: Handle, arn: str | None = None) -> Iterator[Pump]:
        with Pump(
            endpoint=self.endpoint,
            stream_arn=arn or self.arn,
            checkpoint=self.checkpoint,
            event_filter=EventFilter([PATTERN]),
            handle=handle,
            say=self.said.append,
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
    """An aggregator that notes what it is given, and answers as told; by default: all is well."""

    def __init__(self, *answers: Callable[[list[str]], Mapping[str, Any]]) -> None:
        self.batches: Queue[list[str]] = Queue()
        self.scheduled: Queue[Mapping[str, Any]] = Queue()
        self._answers = list(answers)

    def handle(self, event: Mapping[str, Any], remaining_ms: Callable[[], float]) -> Mapping[str, Any]:
        assert remaining_ms() > 0
        if "Records" not in event:
            self.scheduled.put(event)
            return {}
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        self.batches.put([record["dynamodb"]["Keys"]["sk"]["S"] for record in event["Records"]])
        return self._answers.pop(0)(numbers) if self._answers else {"batchItemFailures": []}

    def given(self, count: int) -> list[str]:
        """The trace ids of the next records, in order."""
        given: list[str] = []
        while len(given) < count:
            given += self.batches.get(timeout=WAIT_S)
        return given


@pytest.fixture
def here(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str, tmp_path: Path) -> Here:
    return Here(dynamodb, dynamodb_endpoint, table, tmp_path)


@pytest.mark.alone
def test_a_call_is_settled_within_a_second(here: Here) -> None:
    done: Queue[datetime] = Queue()
    aggregator = an_aggregator(connect_once(here.endpoint), here.table, Seen())

    def handle(event: Mapping[str, Any], remaining_ms: Callable[[], float]) -> Mapping[str, Any]:
        answer = aggregator.handle(event, remaining_ms)
        if "Records" in event:
            done.put(datetime.now(UTC))
        return answer

    with here.pump(handle):
        for number in range(5):
            trace = here.finish()
            ended_at = datetime.now(UTC)
            assert done.get(timeout=WAIT_S) - ended_at < timedelta(seconds=1)
            kept = here.store.find_trace("acme", trace.trace_id)
            assert kept
            assert kept.settlement
            assert kept.settlement.cost_pico_usd == 1000 * 3_000_000 + 100 * 15_000_000
            assert here.totals().calls == number + 1
    assert here.said == []


def test_only_finished_calls_are_handed_over_once_and_in_order(here: Here) -> None:
    calls = Calls()
    traces = [here.finish(started_at=NOON + timedelta(seconds=number)).trace_id for number in range(250)]
    with here.pump(calls.handle):
        given = calls.given(250)
        last = here.finish().trace_id
        assert calls.given(1) == [last]
    assert sorted(given) == sorted(traces)
    assert given == traces


def test_the_next_run_goes_on_where_this_one_stopped(here: Here) -> None:
    first, second = Calls(), Calls()
    before = here.finish().trace_id
    with here.pump(first.handle):
        assert first.given(1) == [before]
    after = here.finish().trace_id
    with here.pump(second.handle):
        assert second.given(1) == [after]
    assert first.batches.empty()


def test_a_failed_record_and_all_after_it_come_again(here: Here) -> None:
    calls = Calls(
        lambda numbers: {"batchItemFailures": [{"itemIdentifier": numbers[4]}, {"itemIdentifier": numbers[2]}]}
    )
    traces = [here.finish().trace_id for _ in range(6)]
    with here.pump(calls.handle):
        assert calls.given(6) == traces
        assert calls.given(4) == traces[2:]
    [said] = here.said
    assert "2 records are not settled yet" in said


def test_a_batch_comes_again_whole_when_the_aggregator_fails(here: Here) -> None:
    def fail(_numbers: list[str]) -> Mapping[str, Any]:
        raise ZeroDivisionError("a bug")

    calls = Calls(fail, fail)
    traces = [here.finish().trace_id for _ in range(3)]
    with here.pump(calls.handle):
        for _ in range(3):
            assert calls.given(3) == traces
    [said] = here.said
    assert "ZeroDivisionError: a bug" in said
    assert json.loads(here.checkpoint.read_text())["stream_arn"] == here.arn


def test_the_sweep_is_called_at_the_start_and_on_time(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "SWEEP_EVERY_S", 0.05)
    calls = Calls()
    with here.pump(calls.handle):
        for _ in range(3):
            assert calls.scheduled.get(timeout=WAIT_S) == SCHEDULED_EVENT


@pytest.mark.parametrize("content", ["", "not json", '{"stream_arn": "another", "done": {"shard": "99999999999"}}'])
def test_a_checkpoint_that_says_nothing_of_this_stream_is_passed_over(here: Here, content: str) -> None:
    here.checkpoint.write_text(content)
    calls = Calls()
    trace = here.finish().trace_id
    with here.pump(calls.handle):
        assert calls.given(1) == [trace]


def test_a_killed_process_loses_nothing_and_repeats_nothing(here: Here) -> None:
    command = [sys.executable, "-c", PROCESS, here.endpoint, here.table, here.arn, str(here.checkpoint)]
    expected = 0
    for kills in range(3):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline()  # it is at work
            for _ in range(60):
                expected += 1
                here.finish(started_at=NOON + timedelta(minutes=expected))
            if kills < 2:
                process.kill()  # in the midst of it
            else:
                while here.totals().calls < expected:
                    assert process.stdout.readline()
                process.communicate()
    assert here.totals().calls == expected == 180
    assert here.totals().cost_pico_usd == 180 * (1000 * 3_000_000 + 100 * 15_000_000)


def test_a_record_looks_as_lambda_has_it() -> None:
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


def test_poison_is_shown_and_kept(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "poison.jsonl"
    ShownPoison(path, said.append).put(PoisonMessage(RecordId("7", "P#acme#TRACES#1", "the-trace"), "cannot be read"))
    [line] = said
    assert "the-trace cannot be settled: cannot be read" in line
    assert json.loads(path.read_text()) == {
        "pk": "P#acme#TRACES#1",
        "sk": "the-trace",
        "sequence_number": "7",
        "reason": "cannot be read",
    }
    with pytest.raises(QueueUnavailable):
        ShownPoison(tmp_path, said.append).put(PoisonMessage(RecordId("7", "a", "b"), "cannot be read"))
