"""The timeouts of a plan: of each target, of all of them, and under the platform's limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.plan import ENDING_MS, VOICE, Plan
from switchboard.domain.policy import BufferWords, FallbackTarget, Policy
from testkit.planning import CALL_TIMEOUT_MS, a_call, a_planner

ELEVENLABS_RETRY_AFTER_MS = 4000
ELEVENLABS_TIMEOUT_MS = 20_000
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


def _soft_timeouts_ms(plan: Plan) -> list[int]:
    return [target.soft_timeout_ms for target in plan.targets]


def test_by_default_the_second_target_starts_before_elevenlabs_retries_and_the_plan_ends_before_it_gives_up() -> None:
    plan = _plan(Policy(), fallbacks=(None, None))
    assert _soft_timeouts_ms(plan) == [2500, 2500, 2500]
    assert plan.targets[0].soft_timeout_ms < ELEVENLABS_RETRY_AFTER_MS
    assert plan.end_ms == 15_000 < ELEVENLABS_TIMEOUT_MS
    assert (plan.max_attempts, plan.hedge_after.ms, plan.hedge_after.quantile, plan.buffer_words) == (
        3,
        None,
        None,
        None,
    )


def test_a_fallbacks_own_timeout_applies_to_it_alone() -> None:
    plan = _plan(Policy(ttft_timeout_ms=800), fallbacks=(3000, None))
    assert _soft_timeouts_ms(plan) == [800, 3000, 800]


def test_the_callers_timeout_applies_to_each_target_and_ends_the_plan_after_their_sum() -> None:
    plan = _plan(Policy(ttft_timeout_ms=800), fallbacks=(3000, None), asked_ms=1000)
    assert _soft_timeouts_ms(plan) == [1000, 1000, 1000]
    assert plan.end_ms == 3000


def test_a_callers_timeout_longer_than_the_plans_extends_the_plan() -> None:
    assert _plan(Policy(), asked_ms=40_000).end_ms == 40_000
    assert _plan(Policy(), fallbacks=(None,), asked_ms=40_000).end_ms == 40_000
    assert _plan(Policy(), fallbacks=(None,), asked_ms=10_000).end_ms == 15_000


def test_an_answer_that_is_not_streamed_has_the_calls_time_and_each_target_an_even_share() -> None:
    plan = _plan(Policy(plan_timeout_ms=50), fallbacks=(7, None), streamed=False, asked_ms=9, call_timeout_ms=90_000)
    assert plan.end_ms == 90_000
    assert _soft_timeouts_ms(plan) == [30_000, 30_000, 30_000]


@pytest.mark.parametrize(("streamed", "end_ms"), [(True, 15_000), (False, 26_000)])
def test_the_platforms_limit_leaves_time_for_the_error(streamed: bool, end_ms: int) -> None:
    plan = _plan(Policy(), streamed=streamed, remaining_ms=29_000)
    assert (plan.call_timeout_ms, plan.end_ms) == (29_000 - ENDING_MS, end_ms)
    assert _plan(Policy(), streamed=streamed, remaining_ms=900_000).call_timeout_ms == CALL_TIMEOUT_MS


def test_without_time_left_on_the_platform_the_plan_ends_at_once() -> None:
    plan = _plan(Policy(), fallbacks=(None,), remaining_ms=ENDING_MS - 5)
    assert (plan.call_timeout_ms, plan.end_ms, _soft_timeouts_ms(plan)) == (1, 1, [1, 1])


def test_buffer_words_are_for_streams_and_must_not_be_empty() -> None:
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
def test_plans_end_within_their_limits_and_targets_within_the_plan(policy: Policy, given_: dict[str, object]) -> None:
    plan = _plan(policy, **given_)  # type: ignore[arg-type]
    assert 1 <= plan.end_ms <= plan.call_timeout_ms <= CALL_TIMEOUT_MS
    assert all(0 <= target.soft_timeout_ms <= plan.end_ms for target in plan.targets)
    assert len(plan.targets) == 1 + len(given_["fallbacks"])  # type: ignore[arg-type]
    if isinstance(given_["remaining_ms"], int):
        assert plan.call_timeout_ms <= max(1, given_["remaining_ms"] - ENDING_MS)
    if given_["streamed"]:
        wanted_ms = policy.over(VOICE).plan_timeout_ms
        asked_ms = given_["asked_ms"]
        assert wanted_ms is not None
        assert plan.end_ms <= (max(wanted_ms, asked_ms) if isinstance(asked_ms, int) else wanted_ms)
        assert plan.targets[0].soft_timeout_ms >= 1


@given(st.lists(st.none() | MILLISECONDS, min_size=1, max_size=7), st.integers(1, 8))
def test_with_the_default_timeouts_the_second_target_always_starts_before_elevenlabs_retries(
    fallbacks: list[int | None], max_attempts: int
) -> None:
    plan = _plan(Policy(max_attempts=max_attempts), fallbacks=tuple(fallbacks))
    assert plan.targets[0].soft_timeout_ms < ELEVENLABS_RETRY_AFTER_MS
    assert plan.end_ms <= 15_000
