from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.histogram import Histogram, bucket_of

TIMES_MS = st.lists(st.floats(1, 300_000), min_size=1, max_size=200)


def histogram_of(values_ms: list[float]) -> Histogram:
    return Histogram(Counter(map(bucket_of, values_ms)))


@given(TIMES_MS, st.sampled_from([50, 95, 99, 100]))
def test_a_percentile_is_within_3_percent_of_the_exact_one(values_ms: list[float], percent: int) -> None:
    exact = sorted(values_ms)[ceil(len(values_ms) * percent / 100) - 1]
    assert histogram_of(values_ms).percentile(percent) == pytest.approx(exact, rel=0.03)


@given(TIMES_MS, TIMES_MS)
def test_histograms_add_up_to_that_of_all_values(some: list[float], others: list[float]) -> None:
    added = histogram_of(some) + histogram_of(others)
    assert (added, added.count) == (histogram_of(some + others), len(some) + len(others))


@given(st.lists(TIMES_MS, max_size=5))
def test_the_sum_of_many_is_that_of_all_values(parts: list[list[float]]) -> None:
    whole = histogram_of([value_ms for part in parts for value_ms in part])
    assert Histogram.sum_of(map(histogram_of, parts)) == whole


def test_without_values_there_is_no_percentile() -> None:
    assert Histogram().percentile(50) is None


def test_what_took_less_than_a_millisecond_is_in_the_first_bucket() -> None:
    assert [bucket_of(value_ms) for value_ms in (0.0, 0.4, 1.0, 1.07)] == [0, 0, 0, 1]
