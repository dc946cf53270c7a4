"""What an audit of a very large or unreadable day comes to."""

from typing import TYPE_CHECKING

import pytest

from switchboard.domain.audit import DayAudit, Outcome
from switchboard.store import keyspace
from switchboard.store.audit.auditor import MAX_STOPS, Auditor
from testkit.audited_ledger import DAY, Ledger, always

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def ledger(dynamodb: "DynamoDBClient", table: str) -> Ledger:
    return Ledger(dynamodb, table)


def test_a_day_with_more_rows_than_are_compared_is_passed_by(ledger: Ledger) -> None:
    ledger.add(40)
    rows = ledger.audit().rows
    for most, outcome in ((rows, Outcome.CLEAN), (rows - 1, Outcome.TOO_LARGE), (1, Outcome.TOO_LARGE)):
        found = Auditor(ledger.audits, most).audit("acme", DAY, always)
        assert found is not None
        assert (found.outcome, found.differences) == (outcome, ())


def test_an_audit_stops_while_it_reads_rows_and_never_for_good(ledger: Ledger) -> None:
    ledger.add(40)
    audits: list[DayAudit | None] = []
    while not audits or audits[-1] is None:
        time_left = iter([True] * 30)
        audits.append(ledger.auditor.audit("acme", DAY, lambda left=time_left: next(left, False)))  # type: ignore[misc]
    assert len(audits) == MAX_STOPS + 2
    assert audits[-1].outcome is Outcome.TOO_LARGE


def test_a_row_that_cannot_be_read_counts_as_a_call_that_is_not_settled(ledger: Ledger) -> None:
    [call, *_] = ledger.add(3)
    key = keyspace.trace("acme", call.trace_id)
    ledger.client.update_item(
        TableName=ledger.table,
        Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "unheard of"}},
    )
    assert ledger.audit().outcome is Outcome.UNSETTLED
