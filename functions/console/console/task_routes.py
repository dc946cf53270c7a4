"""The routes of tasks and their costs."""

from typing import Annotated

from fastapi import APIRouter, Query

from console.access import Reader, ReadsOfApp
from console.answers import answering, refusals
from console.cost_shapes import TaskCostsJson, TasksJson
from console.costs_query import CostsParameters, costs_query
from console.errors import ParameterInvalid

router = APIRouter(prefix="/api/tasks", tags=["costs"])


@router.get("", responses=refusals())
@answering
def list_tasks(reads: ReadsOfApp, project: Reader) -> TasksJson:
    """Every task with a settled call, and its totals, the most expensive first."""
    return reads.tasks(project)


# The path is already decoded, so a task id may contain slashes.
@router.get("/{task_id:path}/costs", responses=refusals())
@answering
def show_task_costs(
    reads: ReadsOfApp, project: Reader, task_id: str, asked: Annotated[CostsParameters, Query()]
) -> TaskCostsJson:
    """A task's costs, in total and by period."""
    if not task_id:
        raise ParameterInvalid("The path has no task id: use /api/tasks/<task_id>/costs.", param="task_id")
    return reads.costs(project, task_id, costs_query(asked, reads.now()))
