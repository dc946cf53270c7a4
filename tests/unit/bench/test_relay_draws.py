"""The providers' times to first token: they have the documented distribution, and are the same in every run."""

import pytest
from bench.relay.draws import MEDIAN_MS, P99_MS, Plot
from bench.relay.figures import quantile

PLOT = Plot(calls=2000, hang_share=0.0, seed=7)
HANGING = Plot(calls=2000, hang_share=0.01, seed=7)


def _spoken(plot: Plot, target: int = 0) -> list[float]:
    return sorted(ms for ms in plot.first_tokens_ms(target) if ms is not None)


def test_half_of_the_calls_are_answered_within_the_median_and_99_in_100_within_the_p99() -> None:
    drawn = _spoken(PLOT)
    assert quantile(drawn, 0.5) == pytest.approx(MEDIAN_MS, rel=0.01)
    assert sum(ms <= P99_MS for ms in drawn) == 1980


def test_one_call_in_a_hundred_hangs_and_the_others_have_the_same_distribution() -> None:
    spoken = _spoken(HANGING)
    assert len(spoken) == 1980
    assert quantile(spoken, 0.5) == pytest.approx(MEDIAN_MS, rel=0.01)


def test_draws_depend_on_the_seed_and_the_target_only() -> None:
    assert HANGING.first_tokens_ms(0) == Plot(2000, 0.01, 7).first_tokens_ms(0)
    assert HANGING.first_tokens_ms(0) != Plot(2000, 0.01, 8).first_tokens_ms(0)
    assert HANGING.first_tokens_ms(0) != HANGING.first_tokens_ms(1)
    assert _spoken(HANGING, 0) == _spoken(HANGING, 1)


def test_calls_arrive_at_the_given_rate() -> None:
    arrivals_s = PLOT.arrivals_s(25.0)
    assert len(arrivals_s) == 2000
    assert arrivals_s == sorted(arrivals_s)
    assert arrivals_s[-1] == pytest.approx(80, rel=0.1)
