"""How long a plan waits: for each target, for all of them, and as the platform allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.plan import ENDING_MS, VOICE, Plan
from switchboard.domain.policy import BufferWords, FallbackTarget, Policy
from testkit.planning import CALL_TIMEOUT_MS, a_call, a_planner

ELEVENLABS_PATIENCE_MS = 4000
ELEVENLABS_HARD_LIMIT_MS = 20_000
MILLISECONDS = st.integers(1, 300_000)


def _plan(
    policy: Policy,
    *,
    fallbacks: tuple[int | None, ...] = (),
    asked_ms: int | None = None,
    streamed: bool = True,
    remaining_ms: int | None = None,
    call_timeout_ms: int = CALL_TIMEOUT_MS,
) -> Plan:
    """A plan with so many fallbacks, each with its own deadline or none."""
    planner = a_planner(call_timeout_ms=call_timeout_ms)
    fallback = tuple(FallbackTarget("groq", f"llama-{n}", own_ms) for n, own_ms in enumerate(fallbacks))
    call = a_call(streamed=streamed, remaining_ms=remaining_ms, fallback=fallback, ttft_timeout_ms=asked_ms)
    return planner.plan(call, policy.over(VOICE))


def _patience_ms(plan: Plan) -> list[int]:
    return [target.patience_ms for target in plan.targets]


def test_by_default_the_second_target_speaks_within_the_callers_patience_and_all_is_over_before_it_gives_up() -> None:
    plan = _plan(Policy(), fallbacks=(None, None))
    assert _patience_ms(plan) == [2500, 2500, 2500]
    assert plan.targets[0].patience_ms < ELEVENLABS_PATIENCE_MS
    assert plan.end_ms == 15_000 < ELEVENLABS_HARD_LIMIT_MS
    assert (plan.max_attempts, plan.hedge_after.ms, plan.hedge_after.quantile, plan.buffer_words) == (
        3,
        None,
        None,
        None,
    )


def test_a_fallbacks_own_deadline_is_its_own_alone() -> None:
    plan = _plan(Policy(ttft_timeout_ms=800), fallbacks=(3000, None))
    assert _patience_ms(plan) == [800, 3000, 800]


def test_the_callers_deadline_is_every_targets_and_ends_the_plan_after_that_long_for_each() -> None:
    plan = _plan(Policy(ttft_timeout_ms=800), fallbacks=(3000, None), asked_ms=1000)
    assert _patience_ms(plan) == [1000, 1000, 1000]
    assert plan.end_ms == 3000


def test_a_caller_who_is_more_patient_than_the_plan_is_heard_out() -> None:
    assert _plan(Policy(), asked_ms=40_000).end_ms == 40_000
    assert _plan(Policy(), fallbacks=(None,), asked_ms=40_000).end_ms == 40_000
    assert _plan(Policy(), fallbacks=(None,), asked_ms=10_000).end_ms == 15_000


def test_a_whole_answer_has_the_calls_time_and_each_target_an_even_share() -> None:
    plan = _plan(Policy(plan_timeout_ms=50), fallbacks=(7, None), streamed=False, asked_ms=9, call_timeout_ms=90_000)
    assert plan.end_ms == 90_000
    assert _patience_ms(plan) == [30_000, 30_000, 30_000]


@pytest.mark.parametrize(("streamed", "end_ms"), [(True, 15_000), (False, 26_000)])
def test_the_platforms_limit_leaves_time_to_say_so(streamed: bool, end_ms: int) -> None:
    plan = _plan(Policy(), streamed=streamed, remaining_ms=29_000)
    assert (plan.call_timeout_ms, plan.end_ms) == (29_000 - ENDING_MS, end_ms)
    assert _plan(Policy(), streamed=streamed, remaining_ms=900_000).call_timeout_ms == CALL_TIMEOUT_MS


def test_where_the_platform_leaves_no_time_the_plan_ends_at_once() -> None:
    plan = _plan(Policy(), fallbacks=(None,), remaining_ms=ENDING_MS - 5)
    assert (plan.call_timeout_ms, plan.end_ms, _patience_ms(plan)) == (1, 1, [1, 1])


def test_buffer_words_are_for_streams_and_only_where_there_are_some() -> None:
    words = BufferWords("Let me see", 1500)
    assert _plan(Policy(buffer_words=words)).buffer_words == words
    assert _plan(Policy(buffer_words=words), streamed=False).buffer_words is None
    assert _plan(Policy(buffer_words=BufferWords("", 0))).buffer_words is None


POLICIES = st.builds(
    Policy,
    max_attempts=st.none() | st.integers(1, 8),
    ttft_timeout_ms=st.none() | MILLISECONDS,
    plan_timeout_ms=st.none() | MILLISECONDS,
)
PLANS = st.fixed_dictionaries(
    {
        "fallbacks": st.lists(st.none() | MILLISECONDS, max_size=7).map(tuple),
        "asked_ms": st.none() | MILLISECONDS,
        "streamed": st.booleans(),
        "remaining_ms": st.none() | st.integers(0, 900_000),
    }
)


@given(POLICIES, PLANS)
def test_every_plan_ends_in_time_and_every_target_before_it(policy: Policy, given_: dict[str, object]) -> None:
    plan = _plan(policy, **given_)  # type: ignore[arg-type]
    assert 1 <= plan.end_ms <= plan.call_timeout_ms <= CALL_TIMEOUT_MS
    assert all(0 <= target.patience_ms <= plan.end_ms for target in plan.targets)
    assert len(plan.targets) == 1 + len(given_["fallbacks"])  # type: ignore[arg-type]
    if isinstance(given_["remaining_ms"], int):
        assert plan.call_timeout_ms <= max(1, given_["remaining_ms"] - ENDING_MS)
    if given_["streamed"]:
        wanted_ms = policy.over(VOICE).plan_timeout_ms
        asked_ms = given_["asked_ms"]
        assert wanted_ms is not None
        assert plan.end_ms <= (max(wanted_ms, asked_ms) if isinstance(asked_ms, int) else wanted_ms)
        assert plan.targets[0].patience_ms >= 1


@given(st.lists(st.none() | MILLISECONDS, min_size=1, max_size=7), st.integers(1, 8))
def test_under_the_stacks_own_deadlines_the_second_target_always_starts_in_time(
    fallbacks: list[int | None], max_attempts: int
) -> None:
    plan = _plan(Policy(max_attempts=max_attempts), fallbacks=tuple(fallbacks))
    assert plan.targets[0].patience_ms < ELEVENLABS_PATIENCE_MS
    assert plan.end_ms <= 15_000
