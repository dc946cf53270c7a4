"""The route of the costs of a project."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from console.access import QueriesOfApp, Reader, ReadsOfApp
from console.answers import answering, refusals
from console.cost_parameters import CostsOfProject
from console.cost_shapes import ProjectCostsJson
from console.costs import Costs

router = APIRouter(prefix="/api/costs", tags=["costs"])


def costs_of(reads: ReadsOfApp, queries: QueriesOfApp) -> Costs:
    """What answers questions about costs."""
    return Costs(reads.totals, queries.costs, reads.now)


@router.get("", responses=refusals())
@answering
def show_costs(
    project: Reader, costs: Annotated[Costs, Depends(costs_of)], asked: Annotated[CostsOfProject, Query()]
) -> ProjectCostsJson:
    """What calls cost, in total and by any names."""
    return costs.answer(project, asked)
