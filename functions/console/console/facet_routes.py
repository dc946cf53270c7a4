"""The route of the values that can be searched for."""

from typing import Annotated

from fastapi import APIRouter, Query

from console.access import QueriesOfApp, Reader, ReadsOfApp
from console.answers import answering, refusals
from console.errors import ParameterInvalid
from console.facet_query import FacetsQuery, facets_json, read_range
from console.facet_shapes import FacetsJson
from switchboard.store.query_ports import SearchRefused

router = APIRouter(prefix="/api/facets", tags=["traces"])


@router.get("", responses=refusals())
@answering
def list_facets(
    reads: ReadsOfApp, queries: QueriesOfApp, project: Reader, asked: Annotated[FacetsQuery, Query()]
) -> FacetsJson:
    """The values that calls have, by name, with the number of calls."""
    days = read_range(asked, reads.now())
    try:
        facets = queries.facets.facets(project, days.first, days.last)
    except SearchRefused as refused:
        raise ParameterInvalid(str(refused), param="from") from refused
    return facets_json(days, facets, queries.costs.dimensions_since(project))
