"""The audit on a real engine: a right day is clean, one wrong pico-dollar is found and repaired, wherever it is."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.audit import DayAudit, Difference, Outcome
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store import keyspace, ledger_audit
from switchboard.store.addition import Addition, Scope
from switchboard.store.audit_sums import DaySums
from switchboard.store.auditor import MAX_TRIES, Auditor
from switchboard.store.conversation_facts import DynamoConversationFacts
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.keyspace import Key
from switchboard.store.ledger import DynamoLedger
from switchboard.store.ledger_audit import DynamoAudit, StoredRow
from switchboard.store.ledger_group import pack
from switchboard.store.ledger_rows import additions
from testkit.samples import NOON, a_usual_usage, an_open_trace, one_price

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARD = RateCard("anthropic", "claude-sonnet-4-5", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")
DAY = NOON.date()


def always() -> bool:
    return True


class Ledger:
    """A table with calls of one day, settled by several writers."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self.client = client
        self.table = table
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.audits = DynamoAudit(client, table, lambda: NOON)
        self.auditor = Auditor(self.audits)

    def add(self, count: int, **fields: Any) -> list[Trace]:
        """Calls, one every 20 minutes from midnight on, settled by writers that use different shards."""
        traces = []
        for number in range(count):
            began = NOON.replace(hour=0) + timedelta(minutes=20 * number)
            call = an_open_trace(task_id=f"task {number % 3}", started_at=began)
            traces.append(replace(call, status=Status.OK, usage=a_usual_usage(), **fields))
            self.store.complete_trace(traces[-1], Bodies())
        stored = [self.store.find_trace("acme", trace.trace_id) for trace in traces]
        priced = [settled(trace, one_price(CARD), NOON) for trace in stored if trace is not None]
        for seed, group in enumerate(pack(priced)):
            DynamoLedger(self.client, self.table, random=Random(seed)).settle(group)
        DynamoConversationFacts(self.client, self.table).write(priced)
        return priced

    def plant(self, key: Key, counter: str, amount: int) -> None:
        """Add an error to a stored row, as a fault of the table or of a program would."""
        self.client.update_item(
            TableName=self.table,
            Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            UpdateExpression="ADD #counter :amount",
            ExpressionAttributeNames={"#counter": counter},
            ExpressionAttributeValues={":amount": {"N": str(amount)}},
        )

    def audit(self, *, repair: bool = False, day: date = DAY) -> DayAudit:
        found = self.auditor.audit("acme", day, always, repair=repair)
        assert found is not None
        return found

    def stored_rows(self, trace: Trace) -> list[Key]:
        """Every row that the call is in, in the shard that has it."""
        return list(self.counters(trace))

    def counters(self, trace: Trace) -> dict[Key, str]:
        """A counter of every row that can be compared and that the call is in, in the shard that has it."""
        compared = [added for added in additions(trace, 0) if added.scope is Scope.DAY or added.span is not None]
        rows = self.audits.rows(added.key for added in compared)
        return {next(iter(row.shards)): max(added.counters) for added, (_, row) in zip(compared, rows, strict=True)}


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


def test_an_audit_continues_where_its_time_ended(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_audit, "PAGE_ROWS", 3)
    monkeypatch.setattr(ledger_audit, "_PART_BYTES", 100)
    [call, *_] = ledger.add(40)
    ledger.plant(ledger.stored_rows(call)[1], "cost_pico_usd", 1)
    rounds, found = 0, None
    while found is None:
        rounds += 1
        found = ledger.auditor.audit("acme", DAY, partial(next, iter([True, True]), False), repair=True)
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
