"""Answers about costs, from rows in memory."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from console import cost_groups, costs
from console.cost_parameters import CostsOfProject
from console.costs import Costs
from console.errors import ParameterInvalid
from console.queries import NOTHING
from switchboard.domain.dimensions import CombinationDay, Dimension, LatencyDay
from switchboard.domain.totals import Granularity, Period, PeriodTotals, Totals
from testkit.samples import NOON

TODAY = NOON.date()


class Rows:
    """A CostReader and TotalsReader with a row for each model, whose cost is its place."""

    def __init__(self, models: int, since: date | None = TODAY) -> None:
        self.models = models
        self.since = since
        self.read = 0

    def dimensions_since(self, _project: str) -> date | None:
        return self.since

    def combination_days(self, _project: str, first: date, last: date) -> Iterator[CombinationDay]:
        assert first <= TODAY <= last
        for number in range(self.models):
            self.read += 1
            names = {**dict.fromkeys(Dimension, None), Dimension.MODEL: f"m{number:03}"}
            day = TODAY - timedelta(days=number % 2)
            yield CombinationDay(day, names, Totals(calls=3, unpriced_calls=1, cost_pico_usd=number))

    caller_days = NOTHING.costs.caller_days

    def latency_days(self, *_range: object) -> Iterator[LatencyDay]:
        return iter(())

    def period_totals(
        self, project: str, task_id: str, *, since: datetime | None, until: datetime | None, granularity: Granularity
    ) -> PeriodTotals:
        assert (project, task_id, granularity) == ("acme", "booking", Granularity.DAY)
        assert since is not None
        assert until is not None
        return PeriodTotals.of((Period(since, Totals(calls=1)), Period(until - timedelta(days=1), Totals(calls=2))))


def ask(rows: Rows, **asked: str) -> Any:
    return Costs(rows, rows, lambda: NOON).answer("acme", CostsOfProject.model_validate(asked))


def models_of(answer: Any) -> list[str]:
    return [row["group"]["model"] for row in answer["rows"]]


def test_the_dearest_group_comes_first() -> None:
    answer = ask(Rows(4), group_by="model")
    assert (models_of(answer), answer["truncated"]) == (["m003", "m002", "m001", "m000"], False)


def test_of_too_many_groups_the_dearest_are_listed_and_all_are_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "MAX_COST_ROWS", 3)
    answer = ask(Rows(8), group_by="day,model")
    assert (models_of(answer), answer["truncated"]) == (["m007", "m005", "m006"], True)
    assert (answer["total"]["calls"], answer["total"]["cost_usd"]) == (24, "0.000000000028")


def test_too_many_rows_are_refused_before_all_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_groups, "MAX_READ_ROWS", 5)
    rows = Rows(1000)
    with pytest.raises(ParameterInvalid, match="Ask for fewer days") as refused:
        ask(rows)
    assert (refused.value.param, rows.read) == ("from", 6)


def test_calls_without_a_name_are_a_group() -> None:
    [row] = ask(Rows(2), group_by="agent")["rows"]
    assert (row["group"], row["calls"]) == ({"agent": None}, 6)


def test_the_cost_of_a_call_is_that_of_the_priced_ones_rounded() -> None:
    row = ask(Rows(4), group_by="model", model="m003")["rows"][0]
    assert (row["cost_usd"], row["cost_per_call_usd"]) == ("0.000000000003", "0.000000000002")
    assert ask(Rows(0))["total"]["cost_per_call_usd"] is None


def test_a_question_that_nothing_answers_has_no_rows() -> None:
    answer = ask(Rows(3), environment="nowhere", group_by="model")
    assert (answer["rows"], answer["total"]["calls"]) == ([], 0)


@pytest.mark.parametrize(
    ("since", "notes"),
    [
        (TODAY - timedelta(days=40), []),
        (TODAY, ["Totals by these names have every call from 2026-11-20 on (UTC); calls before may be missing."]),
        (None, ["Totals by these names do not have every call of a day yet."]),
    ],
)
def test_an_answer_says_from_when_totals_have_every_call(since: date | None, notes: list[str]) -> None:
    assert ask(Rows(1, since))["notes"] == notes


def test_one_tasks_days_come_from_its_own_rows() -> None:
    rows = Rows(5, since=None)
    answer = ask(rows, task="booking", group_by="day")
    assert [(row["group"]["day"], row["calls"]) for row in answer["rows"]] == [("2026-10-22", 1), ("2026-11-20", 2)]
    assert rows.read == 0


@pytest.mark.parametrize(
    ("since", "notes"),
    [(TODAY - timedelta(days=40), []), (TODAY, ["from 2026-11-20 on (UTC)"]), (None, ["do not have every call"])],
)
def test_one_tasks_sums_say_from_when_their_newer_counters_count(since: date | None, notes: list[str]) -> None:
    told = ask(Rows(5, since), task="booking", group_by="day")["notes"]
    assert [note in found for note, found in zip(notes, told, strict=True)] == [True] * len(notes)
    assert all(name in found for found in told for name in ("unheard_usd", "saved_usd", "partly_priced_calls"))


def test_a_months_days_are_one_group() -> None:
    answer = ask(Rows(5), task="booking", group_by="month")
    assert [row["group"]["month"] for row in answer["rows"]] == ["2026-10", "2026-11"]
