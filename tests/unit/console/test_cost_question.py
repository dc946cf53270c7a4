"""Which totals answer a question about costs, and which questions are refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cost_parameters import DIMENSIONS, CostsOfProject, GroupBy
from console.cost_question import KEPT_AS_TRACES, ONLY_UTC, PARTS_OF_HOURS, CostQuestion, Source, cost_question
from console.errors import ParameterInvalid

NOW = datetime(2026, 11, 20, 13, 37, tzinfo=UTC)


def asked(**parameters: str) -> CostQuestion:
    values = {name.rstrip("_"): value for name, value in parameters.items()}
    return cost_question(CostsOfProject.model_validate(values), NOW)


def refused_for(**parameters: str) -> str | None:
    with pytest.raises(ParameterInvalid) as refused:
        asked(**parameters)
    return refused.value.param


@pytest.mark.parametrize(
    ("parameters", "source"),
    [
        ({}, Source.COMBINATIONS),
        ({"group_by": "task"}, Source.COMBINATIONS),
        ({"task": "a", "group_by": "model"}, Source.COMBINATIONS),
        ({"task": "a", "status": "timeout"}, Source.COMBINATIONS),
        ({"task": "a"}, Source.TASK),
        ({"task": "a", "group_by": "month,task"}, Source.TASK),
        ({"task": "a", "group_by": "hour"}, Source.HOURS),
        ({"task": "a", "group_by": "day", "tz": "Europe/Berlin"}, Source.HOURS),
        ({"caller": "+49"}, Source.CALLERS),
        ({"group_by": "caller"}, Source.CALLERS),
        ({"group_by": "caller,day", "caller": "+49"}, Source.CALLERS),
        ({"group_by": "month", "caller": "+49"}, Source.CALLERS),
    ],
)
def test_a_question_is_answered_from_the_fewest_rows(parameters: dict[str, str], source: Source) -> None:
    assert asked(**parameters).source is source


@given(
    st.sets(st.sampled_from(sorted(DIMENSIONS))),
    st.sets(st.sampled_from(sorted(DIMENSIONS))),
    st.sampled_from(["", "day", "month"]),
)
def test_any_names_can_be_grouped_by_and_filtered(names: set[GroupBy], filters: set[GroupBy], period: str) -> None:
    group_by = ",".join([*names, *([period] if period else [])])
    given_filters: dict[str, str] = {str(name): "timeout" for name in filters}
    question = asked(**given_filters, **({"group_by": group_by} if group_by else {}))
    assert set(question.group_by) - {period} == names
    assert set(question.filters) == filters


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"group_by": "week"}, "group_by"),
        ({"group_by": "task,,model"}, "group_by"),
        ({"group_by": "task,task"}, "group_by"),
        ({"group_by": "day,month"}, "group_by"),
        ({"group_by": "hour"}, "group_by"),
        ({"group_by": "hour,model", "task": "a"}, "group_by"),
        ({"group_by": "caller,task"}, "task"),
        ({"caller": "+49", "model": "gpt"}, "model"),
        ({"caller": "+49", "group_by": "hour"}, "group_by"),
        ({"group_by": "environment", "latency": "true"}, "latency"),
        ({"agent": "a", "latency": "true"}, "latency"),
        ({"status": "timeout", "latency": "true"}, "latency"),
        ({"status": "ok", "group_by": "status", "latency": "true"}, "latency"),
        ({"caller": "a", "latency": "true"}, "latency"),
        ({"latency": "yes"}, "latency"),
        ({"status": "failed"}, "status"),
        ({"tz": "Berlin"}, "tz"),
        ({"from_": "2025-01-01"}, "from"),
        ({"task": "a", "group_by": "hour", "from_": "2026-10-01"}, "from"),
        ({"task": "a", "group_by": "hour", "from_": "2025-10-10", "to": "2025-10-12"}, "from"),
        ({"from_": "soon"}, "from"),
    ],
)
def test_what_is_not_known_is_refused_by_its_name(parameters: dict[str, str], param: str) -> None:
    assert refused_for(**parameters) == param


def test_a_refusal_says_what_is_possible() -> None:
    with pytest.raises(ParameterInvalid, match="`agent`, `provider`, `model`, `status`, `caller`, `hour`"):
        asked(group_by="team")
    with pytest.raises(ParameterInvalid, match="`group_by=caller`, with `day` or `month`"):
        asked(group_by="caller,provider")


def test_another_zone_applies_to_one_task_alone_for_a_month() -> None:
    berlin = asked(task="a", group_by="day", tz="Europe/Berlin", from_="2026-10-01", to="2026-11-01")
    assert (str(berlin.zone), berlin.notes) == ("Europe/Berlin", ())
    assert (berlin.until - berlin.since).total_seconds() == (31 * 24 + 1) * 3600


@pytest.mark.parametrize(
    "parameters",
    [
        {"task": "a", "from_": "2026-10-01", "to": "2026-11-02"},
        {"task": "a", "model": "gpt"},
        {"group_by": "task"},
        {"caller": "+49"},
        {"task": "a", "group_by": "day", "latency": "true"},
    ],
)
def test_any_other_question_is_answered_by_utc_days_and_says_so(parameters: dict[str, str]) -> None:
    question = asked(tz="Europe/Berlin", **parameters)
    assert question.zone is UTC
    assert ONLY_UTC in question.notes


def test_notes_say_what_the_caller_must_know() -> None:
    assert asked(task="a", tz="Asia/Kolkata").notes == (PARTS_OF_HOURS,)
    assert asked(caller="a").notes == (KEPT_AS_TRACES,)
    assert asked(group_by="model", tz="UTC").notes == ()


TIMES = st.one_of(
    st.dates().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.sampled_from(["2026-11-20", "2026-11-01T10:00:00Z", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59+14:00"]),
    st.text(max_size=12),
)
VALUES = {
    "group_by": st.lists(st.sampled_from([*GroupBy]), max_size=3).map(",".join) | st.text(max_size=9),
    "from": TIMES,
    "to": TIMES,
    "tz": st.timezone_keys() | st.text(max_size=9),
    "latency": st.sampled_from(["true", "false", "1"]),
    **{
        name: st.sampled_from(["booking", "ok", "\ud83d"]) | st.text(max_size=200)
        for name in ("task", "caller", "model")
    },
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_any_question_is_answered_from_some_totals_or_refused_by_name(parameters: dict[str, str]) -> None:
    given_values = {name: value for name, value in parameters.items() if value}
    refused_by, question = None, None
    try:
        question = cost_question(CostsOfProject.model_validate(given_values), NOW)
    except ParameterInvalid as refused:
        refused_by = refused.param
    assert (question is None) == (refused_by in {*given_values, "from"})
    if question is not None:
        assert question.since < question.until
        assert question.days.first <= question.days.last
