"""Writes the facts of conversations, after their calls have been settled."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from switchboard.domain.conversation import conversation_of
from switchboard.domain.conversation_facts import ConversationFacts, facts_of
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.conversations import conversation_items
from switchboard.store.keyspace import Key
from switchboard.store.ledger.conditions import ConditionsFailed, LedgerTable
from switchboard.store.ports import StoreBusy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_ROUNDS = 8
_THREADS = 8
"""Conversations that are written at once: most calls of a batch are of different ones."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What calls tell about one conversation."""

    project: str
    conversation_id: str
    facts: ConversationFacts

    @property
    def key(self) -> Key:
        return keyspace.conversation_facts(self.project, self.conversation_id)


class DynamoConversationFacts:
    """DerivedRows on one table: one row of facts for each conversation.

    The rows are read first, since a read costs a tenth of a write, and calls that are delivered again change nothing.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = LedgerTable(client, table_name)

    def write(self, traces: Sequence[Trace]) -> None:
        """Add the facts of these calls to those of their conversations (see the port)."""
        told = _by_conversation(traces)
        rows = {Key(row["pk"], row["sk"]): row for row in self._table.get_all(told)}
        with ThreadPoolExecutor(_THREADS, "facts") as pool:
            list(pool.map(lambda each: self._add(each, rows.get(each.key)), told.values()))

    def _add(self, told: _Told, row: dict[str, Any] | None) -> None:
        """Add facts to the row as it was read; where another writer has changed it since, to what it is now."""
        for _ in range(_MAX_ROUNDS):
            stored = None if row is None else conversation_items.facts_from_item(row)
            facts = told.facts if stored is None else stored | told.facts
            if facts == stored:
                return None
            version = None if row is None else row["version"]
            item = conversation_items.to_item(told.project, told.conversation_id, facts, (version or 0) + 1)
            try:
                return self._table.put_version(item, version)
            except ConditionsFailed as failed:
                row = failed.rows[0]
        raise StoreBusy(f"the facts of a conversation changed during each of {_MAX_ROUNDS} tries to write them")


def _by_conversation(traces: Sequence[Trace]) -> dict[Key, _Told]:
    found: dict[Key, _Told] = {}
    for trace in traces:
        if (conversation_id := conversation_of(trace)) is None:
            continue
        told = _Told(trace.project, conversation_id, facts_of(trace))
        if (earlier := found.get(told.key)) is not None:
            told = _Told(trace.project, conversation_id, earlier.facts | told.facts)
        found[told.key] = told
    return found
