"""Histograms as attributes of a row."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.dimensions import Latency
from switchboard.domain.histogram import LAST_BUCKET, Histogram, bucket_of, middle_ms
from switchboard.store.ledger import latency_items

TIMES = st.dictionaries(st.sampled_from(Latency), st.floats(0, 10**8))


@given(st.lists(TIMES, max_size=30))
def test_the_counters_of_calls_add_up_to_their_histograms(calls: list[dict[Latency, float]]) -> None:
    row = sum((Counter(latency_items.counters(call)) for call in calls), Counter())
    assert latency_items.histograms({**row, "kind": "totals", "pk": "P", "sk": "S", "t": "booking"}) == {
        latency: Histogram(Counter(bucket_of(call[latency]) for call in calls if latency in call))
        for latency in Latency
    }


def test_every_bucket_as_it_is_written() -> None:
    """These names are stored in every deployment: changing one requires a migration."""
    written = {
        latency: [next(iter(latency_items.counters({latency: middle_ms(bucket)}))) for bucket in range(LAST_BUCKET + 1)]
        for latency in Latency
    }
    assert {latency: (names[0], names[61], names[134], names[255]) for latency, names in written.items()} == {
        Latency.TTFT: ("A0", "AZ", "Ca", "E7"),
        Latency.FIRST_SENTENCE: ("F0", "FZ", "Ha", "J7"),
        Latency.DURATION: ("K0", "KZ", "Ma", "O7"),
    }
    assert all(
        name.isalnum() and name.isascii() for names in written.values() for name in names
    )  # as `#name` has to be
    assert len({name for names in written.values() for name in names}) == 3 * (LAST_BUCKET + 1)
