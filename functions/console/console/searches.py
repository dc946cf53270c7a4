"""Finds calls of a caller's project by several attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.errors import ParameterInvalid
from console.query import ListQuery
from console.trace_json import found_json
from console.trace_shapes import TracePageJson
from switchboard.domain.trace_search import TraceSearch
from switchboard.store.query_ports import SearchRefused, TraceFinder

_PARAMETERS = {"since": "from", "until": "to", "order": "sort"}
"""The parameters of the fields of a search that are named otherwise."""


@dataclass(frozen=True, slots=True)
class Searches:
    """Finds calls. All methods block, and raise StoreUnavailable."""

    finder: TraceFinder

    def page(self, project: str, query: ListQuery) -> TracePageJson:
        """One page of the calls that have every value of the query. Raises ParameterInvalid."""
        search = TraceSearch(
            task_id=query.task_id,
            environment=query.environment,
            key_id=query.key_id,
            provider=query.provider,
            model=query.model,
            status=query.status,
            metadata=self._metadata(query.metadata),
            since=query.since,
            until=query.until,
            order=query.sort,
        )
        try:
            return found_json(self.finder.find_traces(project, search, limit=query.limit, cursor=query.cursor))
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
