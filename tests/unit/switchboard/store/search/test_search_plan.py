"""What a search reads: the rarest of its terms."""

from datetime import date

import pytest

from switchboard.domain.dimensions import CombinationDay, Dimension
from switchboard.domain.totals import Totals
from switchboard.domain.trace import Status
from switchboard.domain.trace_search import TraceSearch
from switchboard.store.search.search_plan import ProjectTraces, Rows, Source, TaskTraces, needs_totals, plan

USUAL = {
    Dimension.TASK: "booking",
    Dimension.ENVIRONMENT: "production",
    Dimension.KEY: "k1",
    Dimension.AGENT: "a1",
    Dimension.PROVIDER: "openai",
    Dimension.MODEL: "gpt-5",
    Dimension.STATUS: "ok",
}


def day(calls: int, **names: str | None) -> CombinationDay:
    combination = USUAL | {Dimension(name): value for name, value in names.items()}
    return CombinationDay(date(2026, 11, 20), combination, Totals(calls=calls))


DAYS = [
    day(1000),
    day(300, environment="staging", key="k2"),
    day(50, task="triage", model="gpt-5-mini"),
    day(20, status="timeout"),
    day(9, provider="groq", model="llama", agent="a2"),
    day(5, provider=None, model=None, status="refused"),
]


@pytest.mark.parametrize(
    ("search", "source"),
    [
        (TraceSearch(), ProjectTraces()),
        (TraceSearch(status=Status.OK), ProjectTraces()),
        (TraceSearch(status=Status.OPEN, environment="staging"), ProjectTraces()),
        (TraceSearch(status=Status.OPEN, task_id="triage", metadata={"caller-id": "x"}), TaskTraces("triage")),
        (TraceSearch(task_id="triage", status=Status.OK), TaskTraces("triage")),
        (TraceSearch(environment="staging", status=Status.OK), Rows((("environment", "staging"),))),
        (TraceSearch(provider="groq", model="llama"), Rows((("model", "groq", "llama"),))),
        (TraceSearch(metadata={"agent-id": "a1"}), Rows((("metadata", "agent-id", "a1"),))),
        (
            TraceSearch(key_id="k2", metadata={"agent-id": "a1", "called-number": "1", "caller-id": "2"}),
            Rows((("metadata", "caller-id", "2"),)),
        ),
        (
            TraceSearch(metadata={"zone": "z", "called-number": "1", "conversation-id": "c"}),
            Rows((("metadata", "conversation-id", "c"),)),
        ),
    ],
)
def test_one_term_or_an_id_needs_no_totals(search: TraceSearch, source: Source) -> None:
    assert not needs_totals(search)
    assert plan(search) == source


@pytest.mark.parametrize(
    ("search", "source"),
    [
        (TraceSearch(environment="production", key_id="k2"), Rows((("key", "k2"),))),
        (TraceSearch(environment="production", status=Status.TIMEOUT), Rows((("status", "timeout"),))),
        (TraceSearch(key_id="k1", task_id="triage"), TaskTraces("triage")),
        (TraceSearch(key_id="k2", task_id="booking"), Rows((("key", "k2"),))),
        (TraceSearch(environment="staging", metadata={"agent-id": "a2"}), Rows((("metadata", "agent-id", "a2"),))),
        (TraceSearch(provider="groq", model="llama", key_id="k1"), Rows((("model", "groq", "llama"),))),
        (TraceSearch(provider="openai"), Rows((("model", "openai", "gpt-5"), ("model", "openai", "gpt-5-mini")))),
        (TraceSearch(model="llama", key_id="k1"), Rows((("model", "groq", "llama"),))),
        (TraceSearch(provider="unknown"), Rows(())),
        (TraceSearch(provider="unknown", key_id="k1"), Rows(())),
    ],
)
def test_of_several_terms_the_one_with_the_fewest_calls_is_read(search: TraceSearch, source: Source) -> None:
    assert needs_totals(search)
    assert plan(search, DAYS) == source


def test_a_provider_with_many_models_is_not_read_by_its_models() -> None:
    days = [day(1, provider="groq", model=f"m{number}") for number in range(5)]
    assert plan(TraceSearch(provider="groq"), days) == ProjectTraces()
    assert plan(TraceSearch(provider="groq", task_id="booking"), days) == TaskTraces("booking")
    assert plan(TraceSearch(provider="groq"), days[:4]) == Rows(
        tuple(("model", "groq", f"m{number}") for number in range(4))
    )


@pytest.mark.parametrize(
    ("search", "source"),
    [
        (TraceSearch(provider="groq"), ProjectTraces()),
        (TraceSearch(model="llama", task_id="booking"), TaskTraces("booking")),
        (TraceSearch(model="llama", environment="staging"), Rows((("environment", "staging"),))),
        (TraceSearch(provider="groq", model="llama", task_id="booking"), Rows((("model", "groq", "llama"),))),
    ],
)
def test_where_the_totals_are_too_many_nothing_depends_on_them(search: TraceSearch, source: Source) -> None:
    assert plan(search, None) == source
