"""Finds calls of a caller's project by several attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.errors import ParameterInvalid
from console.query import Filters, ListQuery
from console.trace_json import found_json
from console.trace_shapes import TracePageJson
from switchboard.domain.trace_search import FoundTraces, Order, TraceSearch
from switchboard.store.query_ports import SearchRefused, TraceFinder

_PARAMETERS = {"since": "from", "until": "to", "order": "sort"}
"""The parameters of the fields of a search that are named otherwise."""


@dataclass(frozen=True, slots=True)
class Searches:
    """Finds calls. All methods block, and raise StoreUnavailable."""

    finder: TraceFinder

    def page(self, project: str, query: ListQuery) -> TracePageJson:
        """One page of the calls that have every value of the query. Raises ParameterInvalid."""
        return found_json(self.find(project, query, query.sort, limit=query.limit, cursor=query.cursor))

    def find(
        self, project: str, filters: Filters, order: Order = Order.NEWEST, *, limit: int, cursor: str | None
    ) -> FoundTraces:
        """Calls that have every value of the filters. Raises ParameterInvalid."""
        search = TraceSearch(
            task_id=filters.task_id,
            environment=filters.environment,
            key_id=filters.key_id,
            provider=filters.provider,
            model=filters.model,
            status=filters.status,
            metadata=self._metadata(filters.metadata),
            since=filters.since,
            until=filters.until,
            order=order,
        )
        try:
            return self.finder.find_traces(project, search, limit=limit, cursor=cursor)
        except SearchRefused as refused:
            raise ParameterInvalid(str(refused), param=_PARAMETERS.get(refused.field, refused.field)) from refused

    def _metadata(self, texts: Sequence[str]) -> Mapping[str, str]:
        """The entries by name. Raises ParameterInvalid."""
        found: dict[str, str] = {}
        for text in texts:
            name, colon, value = text.partition(":")
            if not colon or not value or name not in self.finder.metadata_names or name in found:
                possible = ", ".join(f"`{known}`" for known in self.finder.metadata_names)
                raise ParameterInvalid(
                    f"`metadata` is `name:value`, each name once. The names are {possible}.", param="metadata"
                )
            found[name] = value
        return found
