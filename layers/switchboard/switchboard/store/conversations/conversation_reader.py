"""Reads conversations: listed through the index by their first call, each from its facts and its sums.

The calls of one are found by their search rows of its id.
"""

from collections.abc import Iterable, Mapping, Sized
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from switchboard.domain.conversation import CONVERSATION, Conversation, ConversationCalls, ConversationPage
from switchboard.domain.search_terms import metadata_term
from switchboard.store import keyspace
from switchboard.store.conversations import conversation_items
from switchboard.store.dynamodb_table import Table
from switchboard.store.keyspace import Key
from switchboard.store.search.newest_search import traces_in_order

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Rows = Mapping[Key, Mapping[str, Any]]


class DynamoConversations:
    """ConversationReader on one table. Safe to share between threads. Raises StoreUnavailable."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = Table(client, table_name)

    def list_conversations(
        self,
        project: str,
        *,
        limit: int,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
    ) -> ConversationPage:
        """Conversations whose first call began in [since, until), newest first call first (see the port)."""
        first_ids = keyspace.trace_range(since, until, cursor)
        if first_ids.is_empty:
            return ConversationPage((), None)
        shards = (keyspace.conversations_of_project(project, shard) for shard in keyspace.TOTALS_SHARDS)
        page_size = _page_size(limit, keyspace.TOTALS_SHARDS)
        pages = [self._table.newest_in_index(pk, first_ids.first, first_ids.last, page_size) for pk in shards]
        entries = list(islice(merge(*pages, key=itemgetter("gsi1sk"), reverse=True), limit + 1))
        next_cursor = keyspace.write_cursor(entries[limit - 1]["gsi1sk"]) if len(entries) > limit else None
        return ConversationPage(self._read(Key(entry["pk"], entry["sk"]) for entry in entries[:limit]), next_cursor)

    def find_conversation(self, project: str, conversation_id: str) -> Conversation | None:
        """The conversation with that id, or None."""
        return next(iter(self._read([keyspace.conversation_facts(project, conversation_id)])), None)

    def conversation_calls(
        self, project: str, conversation_id: str, *, limit: int, cursor: str | None = None
    ) -> ConversationCalls:
        """The conversation's settled calls, oldest first (see the port)."""
        ids = keyspace.later_ids(cursor)
        term = metadata_term(CONVERSATION, conversation_id)
        shards = (keyspace.searched(project, term, shard) for shard in keyspace.SHARDS)
        pages = [self._table.oldest(pk, ids.first, ids.last, _page_size(limit, keyspace.SHARDS)) for pk in shards]
        found = [row["sk"] for row in islice(merge(*pages, key=itemgetter("sk")), limit + 1)]
        next_cursor = keyspace.write_cursor(found[limit - 1]) if len(found) > limit else None
        return ConversationCalls(tuple(traces_in_order(self._table, project, found[:limit])), next_cursor)

    def _read(self, facts: Iterable[Key]) -> tuple[Conversation, ...]:
        """The conversations with these facts, in order; without those that were deleted since, also in part.

        The index may have the same facts twice for a moment, when an earlier call moves them.
        """
        wanted = tuple(dict.fromkeys(facts))
        keys = [key for each in wanted for key in (each, *keyspace.sums_beside(each))]
        rows = {Key(row["pk"], row["sk"]): row for row in self._table.get_all(keys)}
        found = (_conversation(each, rows) for each in wanted)
        return tuple(conversation for conversation in found if conversation is not None)


def _conversation(facts: Key, rows: Rows) -> Conversation | None:
    sums = [rows[key] for key in keyspace.sums_beside(facts) if key in rows]
    return conversation_items.from_items(rows[facts], sums) if facts in rows and sums else None


def _page_size(limit: int, shards: Sized) -> int:
    """Rows to read at once from one shard: its share of the page, plus a margin, since shards are not quite even."""
    return limit // len(shards) + 4
