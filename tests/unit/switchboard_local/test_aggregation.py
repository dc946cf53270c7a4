"""The local aggregator: it prices calls, and reports traces that cannot be settled."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.trace import Bodies, Status
from switchboard.domain.usage import Tokens, Usage, UsageSource
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.totals import DynamoTotals
from switchboard_local import aggregation, retention
from switchboard_local.aggregation import aggregating
from testkit.engine_table import EngineTable
from testkit.samples import an_open_trace
from testkit.stream_events import PATTERN

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SOURCE = {"Type": "DynamoDB", "Properties": {"FilterCriteria": {"Filters": [{"Pattern": PATTERN}]}}}
TEMPLATE: dict[str, Any] = {"Resources": {"Function": {"Properties": {"Events": {"Stream": SOURCE}}}}}


def test_a_call_is_priced_and_a_broken_trace_is_reported(
    dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregation, "load_template", lambda: TEMPLATE)
    store = DynamoStore(dynamodb, table, retention=timedelta(days=30), clock=lambda: datetime.now(UTC))
    usage = Usage(UsageSource.PROVIDER, Tokens(1_000_000, 0))
    trace = replace(an_open_trace(), provider="demo", model="demo/echo", status=Status.OK, usage=usage)
    store.complete_trace(trace, Bodies())
    shown: Queue[str] = Queue()
    environment = {"TABLE_NAME": table, "DYNAMODB_ENDPOINT": dynamodb_endpoint}
    with aggregating(environment, tmp_path, shown.put):
        dynamodb.put_item(
            TableName=table,
            Item={"pk": {"S": "P"}, "sk": {"S": "odd-one"}, "kind": {"S": "trace"}, "status": {"S": "melted"}},
        )
        assert "odd-one cannot be settled" in shown.get(timeout=10)
    assert "odd-one" in (tmp_path / "poison.jsonl").read_text()
    assert (tmp_path / "stream.json").exists()
    kept = store.find_trace("acme", trace.trace_id)
    assert kept
    assert kept.settlement
    assert kept.settlement.cost_pico_usd == 100_000_000_000
    [task] = DynamoTotals(dynamodb, table).task_totals("acme")
    assert task.totals.calls == 1
    with aggregating(environment, tmp_path, shown.put):
        pass
    assert DynamoTotals(dynamodb, table).task_totals("acme") == (task,)
    assert shown.empty()


def test_processed_stream_records_of_its_own_engine_are_deleted(
    dynoxide_on: tuple[Path, str], dynoxide_table: EngineTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, endpoint = dynoxide_on
    monkeypatch.setattr(aggregation, "load_template", lambda: TEMPLATE)
    monkeypatch.setattr(retention, "TRIM_EVERY_S", 0.05)
    dynoxide_table.write(*range(10))
    environment = {"TABLE_NAME": dynoxide_table.name, "DYNAMODB_ENDPOINT": endpoint}
    with aggregating(environment, folder, print):
        deadline = time.monotonic() + 10
        while len(dynoxide_table.numbers) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert dynoxide_table.numbers[0] >= 10
