"""Health: who is tried last, for how long, and how it comes back."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.call import Target
from gateway.domain.clock import Clock
from gateway.domain.secret import Secret
from gateway.relay.health import (
    ENOUGH_FIRST_TOKENS,
    FAILURES_IN_A_ROW,
    FIRST_REST_S,
    LONGEST_REST_S,
    MAX_TARGETS,
    REMEMBERED_FIRST_TOKENS,
    Health,
)


class FakeTime:
    """A monotonic clock that stands until it is moved."""

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
    health.asked(target)
    health.spoke(target, 300.0)
    health.succeeded(target)


def _fail(health: Health, target: Target, times: int = FAILURES_IN_A_ROW) -> None:
    for _ in range(times):
        health.asked(target)
        health.failed(target)


def test_three_failures_in_a_row_put_a_target_last(health: Health) -> None:
    _fail(health, FIRST, 2)
    assert health.order(IN_ORDER) == IN_ORDER
    _fail(health, FIRST, 1)
    assert health.order(IN_ORDER) == FIRST_LAST


def test_failures_that_are_not_in_a_row_do_not(health: Health) -> None:
    for _ in range(5):
        _fail(health, FIRST, 2)
        _answer(health, FIRST)
    assert health.order(IN_ORDER) == IN_ORDER


def test_answers_that_break_in_their_middle_do(health: Health, time: FakeTime) -> None:
    for _ in range(FAILURES_IN_A_ROW):
        assert health.order(IN_ORDER) == IN_ORDER
        health.spoke(FIRST, 300.0)
        health.failed(FIRST)
    assert health.order(IN_ORDER) == FIRST_LAST
    time.pass_s(FIRST_REST_S)
    health.asked(FIRST)
    health.spoke(FIRST, 300.0)
    assert health.order(IN_ORDER) == IN_ORDER, "a probe that speaks is back"
    health.failed(FIRST)
    time.pass_s(FIRST_REST_S - 0.001)
    assert health.order(IN_ORDER) == FIRST_LAST, "and rests longer when it breaks again"


def test_a_target_is_known_by_url_model_and_key_whatever_its_patience(health: Health) -> None:
    _fail(health, FIRST)
    other_key = Target("first", FIRST.url, FIRST.host, "m", 1000, Secret("the caller's own"))
    assert health.order((other_key, SECOND)) == (other_key, SECOND)
    other_patience = Target("first", FIRST.url, FIRST.host, "m", 50)
    other_model = Target("first", FIRST.url, FIRST.host, "another", 50)
    assert health.order((other_patience, SECOND)) == (SECOND, other_patience)
    assert health.order((other_model, SECOND)) == (other_model, SECOND)


def test_where_all_rest_the_order_is_as_it_was(health: Health) -> None:
    for target in IN_ORDER:
        _fail(health, target)
    assert health.order(IN_ORDER) == IN_ORDER


def test_an_only_target_is_tried_whatever_is_known_of_it(health: Health) -> None:
    _fail(health, FIRST)
    assert health.order((FIRST,)) == (FIRST,)


def test_one_call_probes_after_the_rest(health: Health, time: FakeTime) -> None:
    _fail(health, FIRST)
    time.pass_s(FIRST_REST_S)
    assert health.order(IN_ORDER) == IN_ORDER
    health.asked(FIRST)
    assert health.order(IN_ORDER) == FIRST_LAST


def test_a_probe_that_goes_well_takes_the_target_back(health: Health, time: FakeTime) -> None:
    _fail(health, FIRST)
    time.pass_s(FIRST_REST_S)
    _answer(health, FIRST)
    assert health.order(IN_ORDER) == IN_ORDER
    _fail(health, FIRST, 2)
    assert health.order(IN_ORDER) == IN_ORDER


def test_a_probe_that_never_tells_is_followed_by_another(health: Health, time: FakeTime) -> None:
    _fail(health, FIRST)
    for _ in range(5):
        time.pass_s(FIRST_REST_S)
        assert health.order(IN_ORDER) == IN_ORDER
        health.asked(FIRST)  # its caller left


def test_a_target_that_is_listed_but_never_asked_comes_back_by_time_alone(health: Health, time: FakeTime) -> None:
    _fail(health, SECOND)
    time.pass_s(FIRST_REST_S)
    for _ in range(100):  # calls that the first target answers
        assert health.order(IN_ORDER) == IN_ORDER
        time.pass_s(0.01)


def test_calls_that_were_under_way_when_the_rest_began_do_not_make_it_longer(health: Health, time: FakeTime) -> None:
    _fail(health, FIRST)
    for _ in range(50):
        health.failed(FIRST)
    time.pass_s(FIRST_REST_S)
    assert health.order(IN_ORDER) == IN_ORDER


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_each_failed_probe_makes_the_rest_longer_and_none_longer_than_five_minutes(seed: int, probes: int) -> None:
    time = FakeTime()
    health = Health(time.clock, Random(seed))
    _fail(health, FIRST)
    for number in range(1, probes + 1):
        longest_s = min(LONGEST_REST_S, FIRST_REST_S * 2 ** (number - 1))
        time.pass_s(longest_s / 2 - 0.001)
        assert health.order(IN_ORDER) == FIRST_LAST
        time.pass_s(longest_s / 2 + 0.001)
        assert health.order(IN_ORDER) == IN_ORDER
        _fail(health, FIRST, 1)


def test_a_quantile_is_known_from_twenty_first_tokens_on_and_for_each_target_alone(health: Health) -> None:
    for ttft_ms in range(1, ENOUGH_FIRST_TOKENS):
        health.spoke(FIRST, float(ttft_ms))
    assert health.first_token_ms(FIRST, 0.5) is None
    health.silent(FIRST, 5000.0)
    assert health.first_token_ms(FIRST, 0.5) == 11.0
    assert health.first_token_ms(FIRST, 0.99) == 5000.0
    assert health.first_token_ms(SECOND, 0.5) is None


def test_a_wait_that_was_short_for_its_target_says_nothing(health: Health) -> None:
    for ttft_ms in range(ENOUGH_FIRST_TOKENS):
        health.spoke(FIRST, 100.0 + ttft_ms)
    for _ in range(REMEMBERED_FIRST_TOKENS // 2):
        health.silent(FIRST, 5.0)
    assert health.first_token_ms(FIRST, 0.5) == 110.0
    for _ in range(REMEMBERED_FIRST_TOKENS // 2):
        health.silent(FIRST, 500.0)
    assert health.first_token_ms(FIRST, 0.5) == 500.0


def test_only_recent_first_tokens_count(health: Health) -> None:
    for _ in range(REMEMBERED_FIRST_TOKENS):
        health.spoke(FIRST, 9000.0)
    for _ in range(REMEMBERED_FIRST_TOKENS):
        health.spoke(FIRST, 100.0)
    assert health.first_token_ms(FIRST, 0.99) == 100.0


def test_whole_answers_say_nothing_about_first_tokens(health: Health) -> None:
    for _ in range(ENOUGH_FIRST_TOKENS):
        health.spoke(FIRST, None)
    assert health.first_token_ms(FIRST, 0.5) is None


@given(st.lists(st.floats(0, 60_000), min_size=ENOUGH_FIRST_TOKENS, max_size=60), st.floats(0.5, 0.99))
def test_a_quantile_is_one_of_the_times_with_its_share_below(times_ms: list[float], quantile: float) -> None:
    health = Health(FakeTime().clock, Random(1))
    for ttft_ms in times_ms:
        health.spoke(FIRST, ttft_ms)
    found = health.first_token_ms(FIRST, quantile)
    assert found in times_ms
    assert found is not None
    assert sum(ttft_ms <= found for ttft_ms in times_ms) >= quantile * len(times_ms)


def test_no_key_is_remembered_in_clear(health: Health) -> None:
    _fail(health, Target("first", FIRST.url, FIRST.host, "m", 1000, Secret("sk-canary")))
    assert "sk-canary" not in repr([(name, key) for name, key in _names(health)])


def _names(health: Health) -> list[tuple[str, object]]:
    return [(str(part), getattr(part, "_text", part)) for name in health._records for part in name]


def test_who_is_asked_is_not_forgotten(health: Health) -> None:
    for number in range(MAX_TARGETS * 2):
        health.failed(_target(f"host-{number}"))
        if number % (MAX_TARGETS // 2) == 0:
            health.failed(FIRST)
    assert health.order(IN_ORDER) == FIRST_LAST


def test_what_is_remembered_has_an_end(health: Health) -> None:
    _fail(health, FIRST)
    for number in range(MAX_TARGETS):
        health.failed(_target(f"host-{number}"))
    assert health.order(IN_ORDER) == IN_ORDER
