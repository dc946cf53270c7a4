"""Answers questions about the costs of a project, from its totals."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from console.cost_groups import (
    Group,
    GroupKey,
    Latencies,
    Row,
    latencies,
    rows_of_callers,
    rows_of_combinations,
    rows_of_task,
    summed,
)
from console.cost_parameters import CostsOfProject, GroupBy
from console.cost_question import CostQuestion, Source, cost_question
from console.cost_rows import project_costs_json
from console.cost_shapes import ProjectCostsJson
from switchboard.domain.limits import MAX_COST_ROWS
from switchboard.domain.totals import Granularity
from switchboard.store.ports import PeriodReader
from switchboard.store.query_ports import CostReader


@dataclass(frozen=True, slots=True)
class Costs:
    """Answers questions about costs. All methods block, and raise StoreUnavailable."""

    totals: PeriodReader
    reader: CostReader
    now: Callable[[], datetime]

    def answer(self, project: str, asked: CostsOfProject) -> ProjectCostsJson:
        """The sums that were asked for. Raises ParameterInvalid."""
        question = cost_question(asked, self.now())
        sums = summed(question, self._rows(project, question))
        times = self._latencies(project, question) if question.with_latency else None
        groups = [Group(key, totals, None if times is None else times.get(key, {})) for key, totals in sums.items()]
        shown = _in_order(question, sorted(groups, key=_by_cost)[:MAX_COST_ROWS])
        return project_costs_json(question, groups, shown, self.reader.dimensions_since(project))

    def _rows(self, project: str, question: CostQuestion) -> Iterator[Row]:
        days = question.days
        match question.source:
            case Source.COMBINATIONS:
                return rows_of_combinations(self.reader.combination_days(project, days.first, days.last))
            case Source.CALLERS:
                caller = question.filters.get(GroupBy.CALLER)
                return rows_of_callers(self.reader.caller_days(project, days.first, days.last, caller))
            case _:
                return self._task_rows(project, question)

    def _task_rows(self, project: str, question: CostQuestion) -> Iterator[Row]:
        task_id = question.filters[GroupBy.TASK]
        granularity = Granularity.HOUR if question.source is Source.HOURS else Granularity.DAY
        found = self.totals.period_totals(
            project, task_id, since=question.since, until=question.until, granularity=granularity
        )
        return rows_of_task(task_id, found.periods, question.zone)

    def _latencies(self, project: str, question: CostQuestion) -> Mapping[GroupKey, Latencies]:
        return latencies(question, self.reader.latency_days(project, question.days.first, question.days.last))


def _by_cost(group: Group) -> tuple[int, int, list[str]]:
    return -group.totals.cost_pico_usd, -group.totals.calls, [name or "" for name in group.key]


def _in_order(question: CostQuestion, groups: list[Group]) -> list[Group]:
    """The groups, the dearest first; if there is a period among their names, by it first, the oldest first."""
    if question.period is None:
        return groups
    place = question.group_by.index(question.period)
    return sorted(groups, key=lambda group: group.key[place] or "")
