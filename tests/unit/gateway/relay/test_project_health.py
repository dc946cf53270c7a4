"""Fairness: what the calls of one project change for those of another."""

from datetime import UTC, datetime
from functools import partial
from random import Random

import pytest

from gateway.domain.attempt import Attempt
from gateway.domain.call import Target
from gateway.domain.clock import Clock
from gateway.domain.errors import AnswerLate, ConnectFailed, EmptyCompletion, UpstreamCut, UpstreamFailure
from gateway.domain.reports import UpstreamRejected, UpstreamReported
from gateway.domain.secret import Secret
from gateway.relay.health import FAILURES_IN_A_ROW, FIRST_COOLDOWN_S
from gateway.relay.limits import MAX_TARGETS, SHARED_SILENCE_MS, Budget, Limits, ProjectLimits


class Moment:
    """A monotonic clock that advances only when it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def limits(self) -> Limits:
        clock = Clock(lambda: datetime(2026, 11, 20, tzinfo=UTC), lambda: self.now_s)
        new = partial(Budget, percent=20, max_balance=10, initial=2)
        return Limits(clock, Random(1), new_hedges=new, new_retries=new, backoff_ms=50)


def _target(name: str, *, stored: bool = True, key: str | None = None, model: str = "m") -> Target:
    secret = Secret(key) if key else None
    url = f"https://{name}.test/v1/chat/completions"
    return Target(name, url, f"{name}.test", model, 1000, key=secret, uses_stored_key=stored and key is None)


STORED, OWN_URL, OWN_KEY = _target("one"), _target("one", stored=False), _target("one", key="sk-of-the-caller")
OTHER = _target("two")


@pytest.fixture
def moment() -> Moment:
    return Moment()


def _fail(limits: ProjectLimits, failures: list[UpstreamFailure]) -> None:
    for failure in failures:
        limits.health.attempt_started(failure.target)
        limits.report_failure(Attempt(failure.target, lambda: 0.0), failure)


def _is_last(limits: ProjectLimits, target: Target) -> bool:
    return limits.health.order((target, OTHER)) == (OTHER, target)


PROVIDERS_FAULTS = [
    ConnectFailed(STORED, "no"),
    UpstreamRejected(STORED, 500, "no"),
    UpstreamRejected(STORED, 529, "no"),
]
CALLERS_FAULTS = [
    UpstreamRejected(STORED, 403, "no"),
    UpstreamRejected(STORED, 429, "no"),
    UpstreamReported(STORED, "no"),
    EmptyCompletion(STORED),
    UpstreamCut(STORED, "cut"),
    AnswerLate(STORED, "late"),
]


@pytest.mark.parametrize("failure", PROVIDERS_FAULTS, ids=str)
def test_a_fault_that_is_certainly_the_providers_counts_for_every_project(
    moment: Moment, failure: UpstreamFailure
) -> None:
    limits = moment.limits()
    _fail(limits.of("a"), [failure] * FAILURES_IN_A_ROW)
    assert _is_last(limits.of("a"), STORED)
    assert _is_last(limits.of("b"), STORED)
    assert not _is_last(limits.of("b"), _target("one", model="another"))


@pytest.mark.parametrize("failure", CALLERS_FAULTS, ids=lambda failure: f"{failure.kind}-{failure}")
def test_a_fault_that_a_request_may_have_caused_counts_for_its_own_project(
    moment: Moment, failure: UpstreamFailure
) -> None:
    limits = moment.limits()
    _fail(limits.of("a"), [failure] * FAILURES_IN_A_ROW)
    assert _is_last(limits.of("a"), STORED)
    assert not _is_last(limits.of("b"), STORED)


@pytest.mark.parametrize("target", [OWN_URL, OWN_KEY], ids=["own URL", "own key"])
def test_nothing_is_shared_of_a_callers_own_url_or_key(moment: Moment, target: Target) -> None:
    limits = moment.limits()
    _fail(limits.of("a"), [ConnectFailed(target, "no")] * FAILURES_IN_A_ROW)
    assert _is_last(limits.of("a"), target)
    assert not _is_last(limits.of("b"), target)
    assert not _is_last(limits.of("b"), STORED)


@pytest.mark.parametrize(("waited_ms", "is_shared"), [(SHARED_SILENCE_MS, True), (SHARED_SILENCE_MS - 1, False)])
def test_silence_counts_for_every_project_if_it_is_long(moment: Moment, waited_ms: int, *, is_shared: bool) -> None:
    limits, now_ms = moment.limits(), 0.0
    for _ in range(FAILURES_IN_A_ROW):
        now_ms = 0.0
        attempt = Attempt(STORED, lambda: now_ms)  # noqa: B023
        now_ms = waited_ms
        limits.of("a").report_silence(attempt)
    assert _is_last(limits.of("a"), STORED)
    assert _is_last(limits.of("b"), STORED) is is_shared


def test_a_success_of_any_project_ends_the_shared_cooldown(moment: Moment) -> None:
    limits = moment.limits()
    _fail(limits.of("a"), [ConnectFailed(STORED, "no")] * FAILURES_IN_A_ROW)
    moment.now_s += FIRST_COOLDOWN_S
    limits.of("b").health.attempt_started(STORED)
    assert _is_last(limits.of("a"), STORED), "b's call is the probe"
    limits.of("b").health.answer_started(STORED, 300.0)
    limits.of("b").health.succeeded(STORED)
    assert not _is_last(limits.of("a"), STORED)


def test_times_to_first_token_are_of_ones_own_project(moment: Moment) -> None:
    limits = moment.limits()
    for _ in range(50):
        limits.of("a").health.answer_started(STORED, 9000.0)
        limits.of("b").health.answer_started(STORED, 100.0)
    assert limits.of("b").health.ttft_quantile_ms(STORED, 0.95) == 100.0
    assert limits.of("c").health.ttft_quantile_ms(STORED, 0.95) is None


def test_a_budget_belongs_to_a_project_and_a_target(moment: Moment) -> None:
    limits = moment.limits()
    a, b = limits.of("a"), limits.of("b")
    for budgets in (a.retries, a.hedges):
        assert [budgets.of(STORED).spend() for _ in range(3)] == [True, True, False]
        assert budgets.of(OTHER).spend()
    assert b.retries.of(STORED).spend()
    assert b.hedges.of(STORED).spend()


def test_a_call_adds_to_the_budgets_of_its_targets(moment: Moment) -> None:
    a = moment.limits().of("a")
    for budgets in (a.retries, a.hedges):
        while budgets.of(STORED).spend():
            pass
    for _ in range(5):
        a.count_call([STORED])
    assert a.retries.of(STORED).spend()
    assert a.hedges.of(STORED).spend()


def test_many_targets_of_one_project_change_nothing_for_another(moment: Moment) -> None:
    limits = moment.limits()
    _fail(limits.of("b"), [UpstreamRejected(STORED, 403, "no")] * FAILURES_IN_A_ROW)
    _fail(limits.of("c"), [ConnectFailed(OTHER, "no")] * FAILURES_IN_A_ROW)
    for number in range(20 * MAX_TARGETS):
        target = _target("a", model=str(number))
        limits.of("a").count_call([target])
        limits.of("a").health.answer_started(target, 1.0)
        limits.of("a").health.succeeded(target)
    assert _is_last(limits.of("b"), STORED) is False, "both of b's targets are in cooldown: one shared, one its own"
    third = _target("three")
    assert limits.of("b").health.order((STORED, OTHER, third)) == (third, STORED, OTHER)
