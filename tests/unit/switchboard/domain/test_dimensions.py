"""The names that a call is counted under."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.dimensions import (
    Dimension,
    Latency,
    bounded,
    caller_of,
    combination_of,
    latencies_of,
)
from switchboard.domain.limits import MAX_DIMENSION_CHARACTERS
from switchboard.domain.trace import Status
from testkit.samples import an_open_trace


def test_a_call_has_a_value_of_each_dimension() -> None:
    assert combination_of(replace(an_open_trace(), status=Status.OK)) == {
        Dimension.TASK: "booking",
        Dimension.ENVIRONMENT: "production",
        Dimension.KEY: "key_0123456789ab",
        Dimension.AGENT: "agent_01jz",
        Dimension.PROVIDER: "anthropic",
        Dimension.MODEL: "claude-sonnet-4-5",
        Dimension.STATUS: "ok",
    }
    bare = replace(an_open_trace(), metadata={"agent-id": ""}, provider=None, model=None)
    names = combination_of(bare)
    assert {names[each] for each in (Dimension.AGENT, Dimension.PROVIDER, Dimension.MODEL)} == {None}


def test_the_caller_is_its_metadata() -> None:
    assert caller_of(an_open_trace()) == "+4930123456"
    assert caller_of(replace(an_open_trace(), metadata={})) is None


@given(st.text(min_size=1, max_size=200), st.text(max_size=200))
def test_long_names_are_cut_and_stay_different(begin: str, end: str) -> None:
    one, other = f"{begin}{'x' * 300}{end}", f"{begin}{'x' * 301}{end}"
    assert len(bounded(one) or "") == MAX_DIMENSION_CHARACTERS
    assert bounded(one) != bounded(other)
    assert bounded(begin[:MAX_DIMENSION_CHARACTERS]) == begin[:MAX_DIMENSION_CHARACTERS]


def test_times_count_for_calls_that_ended_well_and_had_them() -> None:
    timed = replace(an_open_trace(), status=Status.OK, ttft_ms=412.5, duration_ms=1800.0)
    assert latencies_of(timed) == {Latency.TTFT: 412.5, Latency.DURATION: 1800.0}
    assert latencies_of(replace(timed, status=Status.TIMEOUT)) == {}
