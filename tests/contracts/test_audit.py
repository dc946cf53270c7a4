"""The audit on a real engine: a right day is clean, one wrong pico-dollar is found and repaired, wherever it is."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.audit import DayAudit, Difference, Outcome
from switchboard.domain.pricing import settled
from switchboard.domain.trace import Bodies, Status
from switchboard.store import keyspace
from switchboard.store.audit import audit_store
from switchboard.store.audit.audit_store import DynamoAudit, StoredRow
from switchboard.store.audit.audit_sums import DaySums
from switchboard.store.audit.auditor import MAX_TRIES, Auditor
from switchboard.store.conversations.conversation_facts import DynamoConversationFacts
from switchboard.store.keyspace import Key
from switchboard.store.ledger.addition import Addition
from switchboard.store.ledger.ledger import DynamoLedger
from testkit.audited_ledger import CARD, DAY, Ledger, always
from testkit.samples import NOON, an_open_trace, one_price

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough


@pytest.fixture
def ledger(dynamodb: "DynamoDBClient", table: str) -> Ledger:
    return Ledger(dynamodb, table)


def test_a_day_whose_totals_are_right_is_clean(ledger: Ledger) -> None:
    ledger.add(70)
    found = ledger.audit()
    assert found.outcome is Outcome.CLEAN
    assert found.calls == 70
    assert found.rows >= 3 * 24 + 3


def test_one_pico_dollar_is_found_and_repaired_in_every_row(ledger: Ledger) -> None:
    [call, *_] = ledger.add(3)
    for key, counter in ledger.counters(call).items():
        ledger.plant(key, counter, 1)
        found = ledger.audit(repair=True)
        assert found.outcome is Outcome.DIFFERS
        [difference] = found.differences
        assert (difference.counter, difference.stored - difference.counted) == (counter, 1)
        assert difference.is_repaired
        assert keyspace.in_shard(key, 0) == Key(difference.pk, difference.sk)
        assert ledger.audit().outcome is Outcome.CLEAN


def test_a_counter_that_no_call_accounts_for_is_found(ledger: Ledger) -> None:
    ledger.add(3)
    ledger.plant(keyspace.day_totals("acme", "task 0", NOON, 3), "errors", 2)
    ledger.plant(keyspace.hour_totals("acme", "task 1", NOON + timedelta(hours=9), 1), "calls", 1)
    found = ledger.audit(repair=True)
    assert sorted((each.counter, each.stored, each.counted) for each in found.differences) == [
        ("calls", 1, 0),
        ("errors", 2, 0),
    ]
    assert ledger.audit().outcome is Outcome.CLEAN


def test_a_conversation_of_two_days_is_not_compared_with_one(ledger: Ledger) -> None:
    [early] = ledger.add(1)
    late = replace(an_open_trace(task_id="task 0", started_at=NOON + timedelta(days=1)), status=Status.OK)
    ledger.store.complete_trace(late, Bodies())
    settlement = settled(late, one_price(CARD), NOON)
    DynamoLedger(ledger.client, ledger.table, random=Random(1)).settle([settlement])
    DynamoConversationFacts(ledger.client, ledger.table).write([early, settlement])
    found = ledger.audit(repair=True)
    assert (found.outcome, found.unaudited) == (Outcome.CLEAN, 1)
    ledger.plant(ledger.stored_rows(early)[1], "calls", 1)
    assert [each.counter for each in ledger.audit().differences] == ["calls"]


def test_the_total_of_a_task_is_compared_with_all_its_days(ledger: Ledger) -> None:
    [call, *_] = ledger.add(100)  # calls of two days
    ledger.plant(ledger.stored_rows(call)[0], "cost_pico_usd", -1)
    [difference] = ledger.audit(repair=True).differences
    assert (difference.counter, difference.counted - difference.stored) == ("cost_pico_usd", 1)
    assert ledger.audit().outcome is Outcome.CLEAN


def test_a_row_that_was_deleted_is_restored(ledger: Ledger) -> None:
    [call] = ledger.add(1)
    for key in ledger.stored_rows(call):
        where = {"pk": {"S": key.pk}, "sk": {"S": key.sk}}
        lost = ledger.client.delete_item(TableName=ledger.table, Key=where, ReturnValues="ALL_OLD")["Attributes"]
        found = ledger.audit(repair=True)
        assert all(each.is_repaired for each in found.differences)
        assert ledger.audit().outcome is Outcome.CLEAN
        [restored] = [next(iter(row.shards)) for _, row in ledger.audits.rows([keyspace.in_shard(key, 0)])]
        where = {"pk": {"S": restored.pk}, "sk": {"S": restored.sk}}
        item = ledger.client.get_item(TableName=ledger.table, Key=where)["Item"]
        assert {**item, "pk": lost["pk"]} == lost


def test_without_repair_nothing_is_written(ledger: Ledger) -> None:
    [call, *_] = ledger.add(2)
    ledger.plant(ledger.stored_rows(call)[2], "output", -1)
    assert ledger.audit().differences == ledger.audit().differences
    assert not any(each.is_repaired for each in ledger.audit().differences)


def test_a_day_with_an_open_call_is_not_compared(ledger: Ledger) -> None:
    [call, *_] = ledger.add(2)
    ledger.plant(ledger.stored_rows(call)[2], "calls", 1)
    ledger.store.open_trace(an_open_trace())
    assert ledger.audit(repair=True).outcome is Outcome.UNSETTLED


class Pages(DynamoAudit):
    """Time for so many pages of calls; all else takes none."""

    def __init__(self, ledger: Ledger, left: int) -> None:
        super().__init__(ledger.client, ledger.table, lambda: NOON)
        self.left = left

    def are_left(self) -> bool:
        return self.left > 0

    def read_page(self, project: str, day: date, sums: DaySums) -> None:
        self.left -= 1
        super().read_page(project, day, sums)


def test_an_audit_continues_where_its_time_ended(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_store, "PAGE_ROWS", 3)
    monkeypatch.setattr(audit_store, "_PART_BYTES", 100)
    [call, *_] = ledger.add(40)
    ledger.plant(ledger.stored_rows(call)[1], "cost_pico_usd", 1)
    rounds, found = 0, None
    while found is None:
        rounds += 1
        pages = Pages(ledger, 2)
        found = Auditor(pages).audit("acme", DAY, pages.are_left, repair=True)
    assert rounds > 2 * 40 / 3 / 2 - 2  # the day's calls are read twice, two pages at a time
    assert [each.stored - each.counted for each in found.differences] == [1]
    assert ledger.audits.load("acme", DAY) is None
    assert ledger.audit().outcome is Outcome.CLEAN


class Moving(DynamoAudit):
    """Another call of the day is settled whenever the calls have been read."""

    def __init__(self, ledger: Ledger, moves: int) -> None:
        super().__init__(ledger.client, ledger.table, lambda: NOON)
        self.ledger = ledger
        self.moves = moves

    def read_page(self, project: str, day: date, sums: DaySums) -> None:
        super().read_page(project, day, sums)
        if sums.is_complete and self.moves:
            self.moves -= 1
            self.ledger.add(1)


@pytest.mark.parametrize(("moves", "outcome"), [(1, Outcome.CLEAN), (2, Outcome.CLEAN), (99, Outcome.MOVING)])
def test_rows_that_move_are_read_again(ledger: Ledger, moves: int, outcome: Outcome) -> None:
    ledger.add(2)
    found = Auditor(Moving(ledger, moves)).audit("acme", DAY, always, repair=True)
    assert found is not None
    assert found.outcome is outcome
    assert found.calls == 2 + min(moves, MAX_TRIES)
    assert ledger.audit().outcome is Outcome.CLEAN


def test_a_counter_that_changed_since_is_not_repaired(ledger: Ledger) -> None:
    [call, *_] = ledger.add(1)
    key = ledger.stored_rows(call)[2]
    ledger.plant(key, "output", 5)

    class Later(DynamoAudit):
        def repair(self, row: StoredRow, found: Difference, about: Addition | None) -> bool:
            ledger.plant(key, "output", -5)
            return super().repair(row, found, about)

    found = Auditor(Later(ledger.client, ledger.table, lambda: NOON)).audit("acme", DAY, always, repair=True)
    assert found is not None
    assert [each.is_repaired for each in found.differences] == [False]
    assert ledger.audit().outcome is Outcome.CLEAN


def test_other_days_and_projects_are_apart(ledger: Ledger) -> None:
    ledger.add(3)
    assert ledger.audit(day=DAY + timedelta(days=1)) == DayAudit("acme", DAY + timedelta(days=1), Outcome.CLEAN, rows=0)
    found = ledger.auditor.audit("other", DAY, always)
    assert found is not None
    assert (found.calls, found.rows) == (0, 0)
