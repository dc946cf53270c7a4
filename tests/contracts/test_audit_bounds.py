"""What an audit of a very large or unreadable day comes to."""

from typing import TYPE_CHECKING

import pytest

from switchboard.domain.audit import DayAudit, Outcome
from switchboard.store import keyspace
from switchboard.store.audit import auditor
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.audit.auditor import MAX_STOPS, Auditor
from testkit.audited_ledger import DAY, Ledger, always
from testkit.samples import NOON

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


class Slow(DynamoAudit):
    """Time for the days of one task."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger.client, ledger.table, lambda: NOON)
        self.asked: set[str] = set()

    def has_time(self) -> bool:
        return not self.asked

    def days_of_task(self, project: str, task_id: str) -> dict[str, int]:
        self.asked.add(task_id)
        return super().days_of_task(project, task_id)


def test_an_audit_stops_while_it_reads_the_days_of_many_tasks(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditor, "_THREADS", 1)
    ledger.add(80)  # of three tasks, from midnight on, so that they have calls on the next day too
    slow = Slow(ledger)
    assert Auditor(slow).audit("acme", DAY, slow.has_time) is None
    assert len(slow.asked) == 1
    assert ledger.audit().outcome is Outcome.CLEAN


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
