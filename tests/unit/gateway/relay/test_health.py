"""Health: which target is tried last, for how long, and how a probe ends its cooldown."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.call import Target
from gateway.domain.clock import Clock
from gateway.domain.secret import Secret
from gateway.relay.health import (
    FAILURES_IN_A_ROW,
    FIRST_COOLDOWN_S,
    MAX_COOLDOWN_S,
    MAX_SAMPLES,
    MAX_TARGETS,
    MIN_SAMPLES,
    Health,
)


class FakeTime:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.clock = Clock(lambda: datetime(2026, 11, 20, tzinfo=UTC), lambda: self.now_s)

    def pass_s(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now_s += seconds


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def health(time: FakeTime) -> Health:
    return Health(time.clock, Random(1))


def _target(name: str) -> Target:
    return Target(name, f"https://{name}.test/v1/chat/completions", f"{name}.test", "m", 1000)


FIRST, SECOND, THIRD = _target("first"), _target("second"), _target("third")
IN_ORDER = (FIRST, SECOND, THIRD)
FIRST_LAST = (SECOND, THIRD, FIRST)


def _answer(health: Health, target: Target) -> None:
    health.attempt_started(target)
    health.answer_started(target, 300.0)
    health.succeeded(target)


def _fail(health: Health, target: Target, times: int = FAILURES_IN_A_ROW) -> None:
    for _ in range(times):
        health.attempt_started(target)
        health.failed(target)


def test_three_failures_in_a_row_put_a_target_last(health: Health) -> None:
    _fail(health, FIRST, 2)
    assert health.order(IN_ORDER) == IN_ORDER
    _fail(health, FIRST, 1)
    assert health.order(IN_ORDER) == FIRST_LAST


def test_failures_that_are_not_in_a_row_start_no_cooldown(health: Health) -> None:
    for _ in range(5):
        _fail(health, FIRST, 2)
        _answer(health, FIRST)
    assert health.order(IN_ORDER) == IN_ORDER


def test_answers_that_break_off_count_as_failures(health: Health, time: FakeTime) -> None:
    for _ in range(FAILURES_IN_A_ROW):
        assert health.order(IN_ORDER) == IN_ORDER
        health.answer_started(FIRST, 300.0)
        health.failed(FIRST)
    assert health.order(IN_ORDER) == FIRST_LAST
    time.pass_s(FIRST_COOLDOWN_S)
    health.attempt_started(FIRST)
    health.answer_started(FIRST, 300.0)
    assert health.order(IN_ORDER) == IN_ORDER, "a probe with a first token ends the cooldown"
    health.failed(FIRST)
    time.pass_s(FIRST_COOLDOWN_S - 0.001)
    assert health.order(IN_ORDER) == FIRST_LAST, "and the next one is longer when the answer breaks off"


def test_a_record_belongs_to_url_model_and_key_whatever_the_timeout(health: Health) -> None:
    _fail(health, FIRST)
    other_key = Target("first", FIRST.url, FIRST.host, "m", 1000, Secret("the caller's own"))
    assert health.order((other_key, SECOND)) == (other_key, SECOND)
    other_timeout = Target("first", FIRST.url, FIRST.host, "m", 50)
    other_model = Target("first", FIRST.url, FIRST.host, "another", 50)
    assert health.order((other_timeout, SECOND)) == (SECOND, other_timeout)
    assert health.order((other_model, SECOND)) == (other_model, SECOND)


def test_with_every_target_in_cooldown_the_order_stays(health: Health) -> None:
    for target in IN_ORDER:
        _fail(health, target)
    assert health.order(IN_ORDER) == IN_ORDER


def test_a_single_target_is_tried_even_in_cooldown(health: Health) -> None:
    _fail(health, FIRST)
    assert health.order((FIRST,)) == (FIRST,)


def test_one_call_probes_after_the_cooldown(health: Health, time: FakeTime) -> None:
    _fail(health, FIRST)
    time.pass_s(FIRST_COOLDOWN_S)
    assert health.order(IN_ORDER) == IN_ORDER
    health.attempt_started(FIRST)
    assert health.order(IN_ORDER) == FIRST_LAST


def test_a_successful_probe_ends_the_cooldown(health: Health, time: FakeTime) -> None:
    _fail(health, FIRST)
    time.pass_s(FIRST_COOLDOWN_S)
    _answer(health, FIRST)
    assert health.order(IN_ORDER) == IN_ORDER
    _fail(health, FIRST, 2)
    assert health.order(IN_ORDER) == IN_ORDER


def test_a_probe_without_a_result_is_followed_by_another(health: Health, time: FakeTime) -> None:
    _fail(health, FIRST)
    for _ in range(5):
        time.pass_s(FIRST_COOLDOWN_S)
        assert health.order(IN_ORDER) == IN_ORDER
        health.attempt_started(FIRST)  # its caller left


def test_a_cooldown_ends_without_a_probe(health: Health, time: FakeTime) -> None:
    _fail(health, SECOND)
    time.pass_s(FIRST_COOLDOWN_S)
    for _ in range(100):  # calls that the first target answers
        assert health.order(IN_ORDER) == IN_ORDER
        time.pass_s(0.01)


def test_calls_open_when_the_cooldown_started_do_not_extend_it(health: Health, time: FakeTime) -> None:
    _fail(health, FIRST)
    for _ in range(50):
        health.failed(FIRST)
    time.pass_s(FIRST_COOLDOWN_S)
    assert health.order(IN_ORDER) == IN_ORDER


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_each_failed_probe_doubles_the_cooldown_up_to_five_minutes(seed: int, probes: int) -> None:
    time = FakeTime()
    health = Health(time.clock, Random(seed))
    _fail(health, FIRST)
    for number in range(1, probes + 1):
        longest_s = min(MAX_COOLDOWN_S, FIRST_COOLDOWN_S * 2 ** (number - 1))
        time.pass_s(longest_s / 2 - 0.001)
        assert health.order(IN_ORDER) == FIRST_LAST
        time.pass_s(longest_s / 2 + 0.001)
        assert health.order(IN_ORDER) == IN_ORDER
        _fail(health, FIRST, 1)


def test_a_quantile_needs_twenty_first_tokens_of_its_own_target(health: Health) -> None:
    for ttft_ms in range(1, MIN_SAMPLES):
        health.answer_started(FIRST, float(ttft_ms))
    assert health.ttft_quantile_ms(FIRST, 0.5) is None
    health.abandoned(FIRST, 5000.0)
    assert health.ttft_quantile_ms(FIRST, 0.5) == 11.0
    assert health.ttft_quantile_ms(FIRST, 0.99) == 5000.0
    assert health.ttft_quantile_ms(SECOND, 0.5) is None


def test_an_abandoned_attempt_counts_only_from_the_targets_median_on(health: Health) -> None:
    for ttft_ms in range(MIN_SAMPLES):
        health.answer_started(FIRST, 100.0 + ttft_ms)
    for _ in range(MAX_SAMPLES // 2):
        health.abandoned(FIRST, 5.0)
    assert health.ttft_quantile_ms(FIRST, 0.5) == 110.0
    for _ in range(MAX_SAMPLES // 2):
        health.abandoned(FIRST, 500.0)
    assert health.ttft_quantile_ms(FIRST, 0.5) == 500.0


def test_only_recent_first_tokens_count(health: Health) -> None:
    for _ in range(MAX_SAMPLES):
        health.answer_started(FIRST, 9000.0)
    for _ in range(MAX_SAMPLES):
        health.answer_started(FIRST, 100.0)
    assert health.ttft_quantile_ms(FIRST, 0.99) == 100.0


def test_whole_answers_give_no_time_to_first_token(health: Health) -> None:
    for _ in range(MIN_SAMPLES):
        health.answer_started(FIRST, None)
    assert health.ttft_quantile_ms(FIRST, 0.5) is None


@given(st.lists(st.floats(0, 60_000), min_size=MIN_SAMPLES, max_size=60), st.floats(0.5, 0.99))
def test_a_quantile_is_one_of_the_times_with_its_share_below(times_ms: list[float], quantile: float) -> None:
    health = Health(FakeTime().clock, Random(1))
    for ttft_ms in times_ms:
        health.answer_started(FIRST, ttft_ms)
    found = health.ttft_quantile_ms(FIRST, quantile)
    assert found in times_ms
    assert found is not None
    assert sum(ttft_ms <= found for ttft_ms in times_ms) >= quantile * len(times_ms)


def test_no_key_is_kept_in_clear(health: Health) -> None:
    _fail(health, Target("first", FIRST.url, FIRST.host, "m", 1000, Secret("sk-canary")))
    assert "sk-canary" not in repr([(name, key) for name, key in _names(health)])


def _names(health: Health) -> list[tuple[str, object]]:
    return [(str(part), getattr(part, "_text", part)) for name in health._records for part in name]


def test_targets_in_use_are_kept(health: Health) -> None:
    for number in range(MAX_TARGETS * 2):
        health.failed(_target(f"host-{number}"))
        if number % (MAX_TARGETS // 2) == 0:
            health.failed(FIRST)
    assert health.order(IN_ORDER) == FIRST_LAST


def test_the_number_of_records_is_limited(health: Health) -> None:
    _fail(health, FIRST)
    for number in range(MAX_TARGETS):
        health.failed(_target(f"host-{number}"))
    assert health.order(IN_ORDER) == IN_ORDER
