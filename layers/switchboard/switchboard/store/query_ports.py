"""The interfaces that answer questions about many calls: what they cost, which conversations there were, which failed.

As in `ports`: all methods block, and all raise StoreUnavailable. Days are UTC days; a range of days includes both ends.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Protocol

from switchboard.domain.conversation import Conversation, ConversationCalls, ConversationPage
from switchboard.domain.dimensions import CallerDay, CombinationDay, LatencyDay, PromptVersion
from switchboard.domain.trace_search import Facet, FoundTraces, TraceSearch


class SearchRefused(Exception):
    """The search cannot be answered. The message is for the caller; `field` is a field of TraceSearch, or `cursor`."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class CombinationReader(Protocol):
    """Reads the totals by combination, which searches are planned by and facets are made of."""

    def dimensions_since(self, project: str) -> date | None:
        """The first day whose rows have every call of the project; None while there is no such day yet."""

    def combination_days(self, project: str, first: date, last: date) -> Iterator[CombinationDay]:
        """The sums of every combination that occurred; one query for each shard."""


class CostReader(CombinationReader, Protocol):
    """Reads the totals by dimension. A call is included as soon as it is settled.

    Rows come lazily, in any order, and each once; several may have the same day and names (one for each shard). A range
    whose last day is before its first is empty; one of more than `MAX_TOTALS_DAYS` raises ValueError. Names in rows are
    as `dimensions.bounded` gives them, and what they are compared with has to be so too. How many requests are made
    depends on the number of rows, never on that of the calls.
    """

    def caller_days(self, project: str, first: date, last: date, caller: str | None = None) -> Iterator[CallerDay]:
        """The sums of every caller, or of this one. They expire with the traces.

        All: one query for each shard. One: its rows by their keys, 100 in a request, 4 for each day.
        """

    def latency_days(self, project: str, first: date, last: date) -> Iterator[LatencyDay]:
        """The histograms of every task and model; one query for each shard."""


class PromptReader(Protocol):
    """Reads which versions of their system prompts tasks had."""

    def prompt_versions(self, project: str, task_id: str | None = None) -> tuple[PromptVersion, ...]:
        """The prompt versions of the project or of the task, the latest last; one query for each shard.

        One that had no call for 400 days is gone.
        """


class ConversationReader(Protocol):
    """Reads conversations. They expire with the traces.

    A call's conversation is `conversation_of(trace)`: the metadata entry `conversation-id`, else its turn's thread, as
    `thread:<thread id>`. One is found once its first settled call has been added to its sums and its facts.
    """

    def list_conversations(
        self,
        project: str,
        *,
        limit: int,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
    ) -> ConversationPage:
        """Conversations whose first call began in [since, until), newest first call first.

        Raises ValueError for an invalid cursor.
        """

    def find_conversation(self, project: str, conversation_id: str) -> Conversation | None:
        """The conversation with that id, or None."""

    def conversation_calls(
        self, project: str, conversation_id: str, *, limit: int, cursor: str | None = None
    ) -> ConversationCalls:
        """The conversation's settled calls, oldest first. Raises ValueError for an invalid cursor.

        They are found by their search rows of the metadata entry `conversation-id`, which every call with a
        conversation has, also one without that entry: the value is then its thread's `thread:<thread id>`.
        """


class TraceFinder(Protocol):
    """Finds calls by several attributes, once they are settled.

    Calls under way are found by `Status.OPEN`, and by nothing but their task. Reads are eventually consistent.
    """

    @property
    def metadata_names(self) -> tuple[str, ...]:
        """The names of metadata entries that can be searched for."""

    def find_traces(self, project: str, search: TraceSearch, *, limit: int, cursor: str | None = None) -> FoundTraces:
        """The calls of the search. Raises SearchRefused for what is not indexed, and for an invalid cursor.

        The number of requests to the store does not depend on the number of calls.
        """


class FacetReader(Protocol):
    """Reads which values can be searched for."""

    def facets(self, project: str, first: date, last: date) -> tuple[Facet, ...]:
        """The values of every dimension, by calls, in the order of `Dimension`: the first 1,000 of each.

        Raises SearchRefused for a range with more than `MAX_READ_ROWS` rows of totals.
        """
