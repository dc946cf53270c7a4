"""`switchboard audit` on a real table."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from typer.testing import Result

from switchboard.domain.audit import last_closed_day, start_of
from switchboard.domain.pricing import settled
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store import keyspace
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.ledger import DynamoLedger
from testkit.samples import a_key, a_usual_usage, an_open_trace, one_price

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Switchboard = Callable[..., Result]

NOW = datetime.now(UTC)
DAY = last_closed_day(NOW)


class Audited:
    """A table with one settled call of the last closed day."""

    def __init__(self, client: "DynamoDBClient", table: str, run: Switchboard) -> None:
        self.client = client
        self.table = table
        self.run = run
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOW)
        self.store.put_key(replace(a_key(), project="acme"))
        self.call = self.settled_call()

    def settled_call(self) -> Trace:
        call = an_open_trace(started_at=start_of(DAY) + timedelta(hours=3))
        call = replace(call, status=Status.OK, usage=a_usual_usage())
        self.store.complete_trace(call, Bodies())
        call = settled(call, one_price(None), NOW)
        DynamoLedger(self.client, self.table, random=Random(1)).settle([call])
        return call

    def begin(self) -> None:
        """Dimensions are complete since yesterday's yesterday, and traces are kept for 30 days."""
        audits = DynamoAudit(self.client, self.table, lambda: NOW)
        audits.record_retention(timedelta(days=30))
        key = keyspace.project("acme")
        self.client.update_item(
            TableName=self.table,
            Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            UpdateExpression="SET dimensions_since = :day",
            ExpressionAttributeValues={":day": {"S": DAY.isoformat()}},
        )

    def plant(self) -> None:
        """One pico-dollar too much, in the day's row."""
        [shard] = [
            shard
            for shard in keyspace.TOTALS_SHARDS
            if self._get(keyspace.day_totals("acme", "booking", start_of(DAY), shard))
        ]
        key = keyspace.day_totals("acme", "booking", start_of(DAY), shard)
        self.client.update_item(
            TableName=self.table,
            Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            UpdateExpression="ADD cost_pico_usd :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    def _get(self, key: keyspace.Key) -> bool:
        return "Item" in self.client.get_item(TableName=self.table, Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}})


@pytest.fixture
def audited(dynamodb: "DynamoDBClient", table: str, switchboard: Switchboard, dynamodb_endpoint: str) -> Audited:
    where = ("--table", table, "--endpoint-url", dynamodb_endpoint, "--project", "acme")
    return Audited(dynamodb, table, lambda *words: switchboard("audit", *words, *where))


def test_a_right_day_is_said_to_be_right(audited: Audited) -> None:
    audited.begin()
    said = audited.run()
    assert said.exit_code == 0, said.output
    assert f"{DAY}  right  (1 calls" in said.stdout


def test_a_difference_is_shown_and_repaired_on_request(audited: Audited) -> None:
    audited.begin()
    audited.plant()
    said = audited.run(DAY.isoformat())
    assert said.exit_code == 1
    assert f"{DAY}  wrong" in said.stdout
    [row] = [line for line in said.stdout.splitlines() if "cost_pico_usd" in line]
    assert "P#acme#TOTALS#booking" in row
    assert f"DAY#{DAY}" in row
    assert "0.000000000001 USD  0 USD" in row
    repaired = audited.run("--repair")
    assert repaired.exit_code == 0
    assert "repaired" in repaired.stdout
    assert audited.run().exit_code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["yesterday"], "'yesterday' is not a day: write it like 2027-01-31."),
        ([(DAY + timedelta(days=1)).isoformat()], "is not closed yet. The last closed day is"),
        ([(DAY - timedelta(days=1)).isoformat()], f"Complete totals of acme begin with {DAY}"),
    ],
)
def test_a_day_that_cannot_be_audited_is_refused(audited: Audited, words: list[str], sentence: str) -> None:
    audited.begin()
    said = audited.run(*words)
    assert said.exit_code == 1
    assert sentence in said.stderr


def test_before_the_first_whole_day_there_is_nothing_to_audit(audited: Audited) -> None:
    assert "begin with the first UTC day that begins after" in audited.run().stderr


def test_days_before_the_first_complete_one_are_left_out(audited: Audited) -> None:
    audited.begin()
    said = audited.run("--days", "5")
    assert [line.split()[0] for line in said.stdout.splitlines() if "right" in line] == [str(DAY)]
