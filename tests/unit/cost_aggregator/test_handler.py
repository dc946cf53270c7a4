"""The handler, with both kinds of events from the events folder."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cost_aggregator.assembly import EventUnknown
from cost_aggregator.settings import Settings
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.settings import SettingsInvalid
from switchboard.store.attributes import decode_item
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.rate_items import from_item
from switchboard.store.traces import trace_items
from switchboard_local.event_filter import EventFilter
from testkit.dynamodb import items_of
from testkit.samples import NOON, a_key, an_open_trace
from testkit.stream_events import PATTERN, Seen, an_aggregator

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENTS = Path(__file__).resolve().parents[3] / "events"
BATCH = json.loads((EVENTS / "dynamodb-stream.json").read_text())
SCHEDULED = json.loads((EVENTS / "scheduled.json").read_text())
SANDBOX = """
import json, os, sys
from types import SimpleNamespace
from cost_aggregator.handler import handler
for event in json.load(sys.stdin):
    print(json.dumps({"answer": handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))}))
"""

type Lines = list[dict[str, Any]]


@pytest.fixture
def invoke(dynamodb_endpoint: str, table: str) -> Callable[..., Lines]:
    """Passes events to a handler in a process of its own; returns what it prints, including the answers."""

    def in_a_sandbox(*events: object) -> Lines:
        environment = {**os.environ, "TABLE_NAME": table, "DYNAMODB_ENDPOINT": dynamodb_endpoint}
        done = subprocess.run(
            [sys.executable, "-c", SANDBOX],
            input=json.dumps(events),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return in_a_sandbox


@pytest.fixture
def store(dynamodb: "DynamoDBClient", table: str) -> DynamoStore:
    return DynamoStore(dynamodb, table, retention=timedelta(days=30), clock=lambda: NOON)


def told_traces() -> list[Trace]:
    """The calls in the batch of the events folder."""
    return [trace_items.from_item(decode_item(record["dynamodb"]["NewImage"])) for record in BATCH["Records"]]


def test_a_batch_delivered_twice_is_settled_once(
    invoke: Callable[..., Lines], store: DynamoStore, dynamodb: "DynamoDBClient", table: str
) -> None:
    for trace in told_traces():
        store.complete_trace(trace, Bodies())
    lines = invoke(BATCH, BATCH)
    assert [line["answer"] for line in lines if "answer" in line] == [{"batchItemFailures": []}] * 2
    priced, refused = told_traces()
    kept = store.find_trace(priced.project, priced.trace_id)
    assert kept
    assert kept.settlement
    # 212 fresh at 3 USD, 20,480 from the cache at 0.30 USD, 87 of answer at 15 USD, each per million
    assert kept.settlement.cost_pico_usd == 8_085_000_000
    assert kept.settlement.price
    assert kept.settlement.price.source.startswith("genai-prices ")
    [task] = DynamoTotals(dynamodb, table).task_totals(priced.project)
    assert (task.totals.calls, task.totals.errors, task.totals.cost_pico_usd) == (2, 1, 8_085_000_000)
    [card] = [from_item(item) for item in map(decode_item, items_of(dynamodb, table)) if item.get("kind") == "rates"]
    assert (card.provider, card.model) == (priced.provider, priced.model)
    settled = [line for line in lines if line.get("message") == "call.settled"]
    assert [(line["trace_id"], line["cost_usd"], line["cost_pico_usd"]) for line in settled] == [
        (priced.trace_id, "0.008085", 8_085_000_000),
        (refused.trace_id, "0", 0),
    ] * 2
    [metrics] = [line for line in lines if "_aws" in line]
    assert metrics["Settled"] == [2.0]
    assert not {"Unpriced", "PartlyPriced", "Poisoned"} & set(metrics)
    assert len(metrics["Lag"]) == 2


def test_the_batch_passes_the_filter() -> None:
    assert all(EventFilter([PATTERN]).admits(record) for record in BATCH["Records"])


def test_a_scheduled_event_sweeps(invoke: Callable[..., Lines], store: DynamoStore) -> None:
    store.put_key(a_key())
    trace = replace(an_open_trace(), trace_id="0192b1e0-0000-7000-8000-000000000001")  # of October 2024
    store.open_trace(trace)
    lines = invoke(SCHEDULED)
    assert lines[-1] == {"answer": {}}
    assert [line["trace_id"] for line in lines if line.get("message") == "call.lost"] == [trace.trace_id]
    kept = store.find_trace(trace.project, trace.trace_id)
    assert kept
    assert kept.status is Status.LOST
    assert kept.failure
    assert kept.failure.code == "lost"


def test_any_other_event_is_refused(dynamodb: "DynamoDBClient", table: str) -> None:
    with pytest.raises(EventUnknown, match="httpMethod"):
        an_aggregator(dynamodb, table, Seen()).handle({"httpMethod": "GET"}, lambda: 60_000)


def test_settings_name_what_is_missing() -> None:
    with pytest.raises(SettingsInvalid, match="TABLE_NAME"):
        Settings.from_env({"TABLE_NAME": " "})
    assert Settings.from_env({"TABLE_NAME": "t", "POISON_QUEUE_URL": "https://queue"}) == Settings("t", "https://queue")
