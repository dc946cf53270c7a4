"""Facts of conversations: what a call tells, and that their union does not depend on order or repetition."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from operator import or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.conversation_facts import ConversationFacts, ToldDuration, facts_of
from switchboard.domain.limits import MAX_CONVERSATION_MODELS
from testkit.samples import NOON, an_open_trace

IDS = [an_open_trace(started_at=NOON + timedelta(minutes=minute)).trace_id for minute in range(4)]
TIMES_MS = st.none() | st.integers(0, 5000).map(float)


@st.composite
def facts(draw: st.DrawFn) -> ConversationFacts:
    trace_id = draw(st.sampled_from(IDS))
    told = draw(st.none() | st.just(float(IDS.index(trace_id))))
    models = draw(st.lists(st.integers(0, 40).map(str), max_size=12, unique=True))
    return ConversationFacts(
        trace_id,
        trace_id,
        NOON + timedelta(milliseconds=draw(st.integers(0, 10**6))),
        tuple(sorted(models)),
        None if told is None else ToldDuration(trace_id, told),
        draw(TIMES_MS),
        draw(TIMES_MS),
        draw(st.none() | st.integers(0, 9)),
    )


@given(st.lists(facts(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_union_is_the_same_in_any_order_also_with_repetitions(
    all_facts: list[ConversationFacts], random: object
) -> None:
    shuffled = [*all_facts, *all_facts[::2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    middle = len(shuffled) // 2
    halves = [reduce(or_, half) for half in (shuffled[:middle], shuffled[middle:]) if half]
    assert reduce(or_, halves) == reduce(or_, all_facts)


def test_the_facts_of_a_call() -> None:
    call = replace(
        an_open_trace(),
        metadata={"call-duration-secs": "37.1234"},
        ttft_ms=412.25,
        duration_ms=1843.617,
        longest_stall_ms=90.5,
        expires_at=1_800_000_000,
    )
    assert facts_of(call) == ConversationFacts(
        first_id=call.trace_id,
        last_id=call.trace_id,
        ended_at=NOON + timedelta(milliseconds=1844),
        models=("anthropic/claude-sonnet-4-5",),
        told=ToldDuration(call.trace_id, 37.123),
        worst_ttft_ms=412.25,
        longest_stall_ms=90.5,
        expires_at=1_800_000_000,
    )


def test_a_refused_call_tells_little() -> None:
    call = replace(an_open_trace(), model=None, metadata={})
    assert facts_of(call) == ConversationFacts(call.trace_id, call.trace_id, NOON)


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "-1", "1e300", "604801", "1,5", "0x10"])
def test_a_duration_that_is_none_counts_as_not_told(text: str) -> None:
    assert facts_of(replace(an_open_trace(), metadata={"call-duration-secs": text})).told is None


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), (" 12 ", 12), ("604800", 604_800), ("1e-300", 0)])
def test_a_duration_is_read_to_the_millisecond(text: str, seconds: float) -> None:
    told = facts_of(replace(an_open_trace(), metadata={"call-duration-secs": text})).told
    assert told is not None
    assert told.seconds == seconds


def test_the_latest_call_that_tells_a_duration_counts() -> None:
    early, late, silent = (
        facts_of(replace(an_open_trace(started_at=NOON + timedelta(minutes=minute)), metadata=metadata))
        for minute, metadata in enumerate([{"call-duration-secs": "90"}, {"call-duration-secs": "60"}, {}])
    )
    assert (silent | late | early).told == late.told


def test_the_first_models_by_name_are_kept() -> None:
    many = [replace(facts_of(an_open_trace()), models=(f"openai/{number:03d}",)) for number in range(40)]
    assert reduce(or_, reversed(many)).models == tuple(f"openai/{n:03d}" for n in range(MAX_CONVERSATION_MODELS))
