"""Conversation ⇄ items: its facts are one row, its sums a row for each shard that was added to."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.domain.conversation import Conversation
from switchboard.domain.conversation_facts import ConversationFacts, ToldDuration
from switchboard.domain.totals import ZERO
from switchboard.store import keyspace
from switchboard.store.attributes import Item
from switchboard.store.ledger import total_items
from switchboard.store.ledger.conversation_rows import RETRIES, STALLS

KIND = "conversation"


def to_item(project: str, conversation_id: str, facts: ConversationFacts, version: int) -> Item:
    """The row of a conversation's facts. `version`: how often it has been written."""
    key = keyspace.conversation_facts(project, conversation_id)
    listed = keyspace.conversation_in_project(project, conversation_id, facts.first_id)
    return {
        "pk": key.pk,
        "sk": key.sk,
        "gsi1pk": listed.pk,
        "gsi1sk": listed.sk,
        "kind": KIND,
        "expires_at": facts.expires_at,
        "version": version,
        "conversation_id": conversation_id,
        "last_id": facts.last_id,
        "ended_at": facts.ended_at.astimezone(UTC).isoformat(),
        "models": facts.models or None,
        "call_duration_s": None if facts.told is None else facts.told.seconds,
        "told_by": None if facts.told is None else facts.told.trace_id,
        "worst_ttft_ms": facts.worst_ttft_ms,
        "longest_stall_ms": facts.longest_stall_ms,
    }


def facts_from_item(item: Mapping[str, Any]) -> ConversationFacts:
    """The facts of a row. Raises KeyError or ValueError if it is not one."""
    return ConversationFacts(
        first_id=item["gsi1sk"],
        last_id=item["last_id"],
        ended_at=datetime.fromisoformat(item["ended_at"]),
        models=tuple(item.get("models") or ()),
        told=ToldDuration(item["told_by"], float(item["call_duration_s"])) if "told_by" in item else None,
        worst_ttft_ms=_number(item.get("worst_ttft_ms")),
        longest_stall_ms=_number(item.get("longest_stall_ms")),
        expires_at=item.get("expires_at"),
    )


def from_items(facts: Mapping[str, Any], sums: Iterable[Mapping[str, Any]]) -> Conversation:
    """The conversation of these rows. Raises KeyError or ValueError if they are not such rows."""
    totals, retries, stalls = ZERO, 0, 0
    for row in sums:
        totals += total_items.totals(row)
        retries += row.get(RETRIES, 0)
        stalls += row.get(STALLS, 0)
    return Conversation(facts["conversation_id"], totals, facts_from_item(facts), retries, stalls)


def _number(value: Any) -> float | None:  # noqa: ANN401 - Decimal, int or float, depending on the source
    return None if value is None else float(value)
