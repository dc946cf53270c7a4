"""A table with settled calls of one day, for audits."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from switchboard.domain.audit import DayAudit
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.audit.auditor import Auditor
from switchboard.store.conversations.conversation_facts import DynamoConversationFacts
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.keyspace import Key
from switchboard.store.ledger.addition import Scope
from switchboard.store.ledger.group import pack
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.rows import additions
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
