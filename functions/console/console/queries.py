"""What the answers to questions about many calls are read from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from switchboard.domain.conversation import ConversationCalls, ConversationPage
from switchboard.domain.dimensions import CallerDay, CombinationDay, LatencyDay
from switchboard.domain.search_terms import DEFAULT_METADATA
from switchboard.domain.trace_search import Facet, FoundTraces
from switchboard.store.query_ports import ConversationReader, CostReader, FacetReader, TraceFinder


@dataclass(frozen=True, slots=True)
class Queries:
    """The readers of totals by dimension, of conversations, and of what is indexed."""

    costs: CostReader
    conversations: ConversationReader
    finder: TraceFinder
    facets: FacetReader


class _Nothing:
    """Every reader, of a store whose calls are not settled."""

    metadata_names = DEFAULT_METADATA

    def dimensions_since(self, _project: str) -> date | None:
        return None

    def combination_days(self, *_range: object) -> Iterator[CombinationDay]:
        return iter(())

    def caller_days(self, *_range: object) -> Iterator[CallerDay]:
        return iter(())

    def latency_days(self, *_range: object) -> Iterator[LatencyDay]:
        return iter(())

    def list_conversations(self, *_project: object, **_range: object) -> ConversationPage:
        return ConversationPage((), None)

    def find_conversation(self, *_id: object) -> None:
        return None

    def conversation_calls(self, *_id: object, **_page: object) -> ConversationCalls:
        return ConversationCalls((), None)

    def find_traces(self, *_search: object, **_page: object) -> FoundTraces:
        return FoundTraces((), None)

    def facets(self, *_range: object) -> tuple[Facet, ...]:
        return ()


NOTHING = Queries(_Nothing(), _Nothing(), _Nothing(), _Nothing())
