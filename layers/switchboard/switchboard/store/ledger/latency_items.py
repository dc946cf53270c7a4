"""Histograms ⇄ attributes: each raised bucket is an attribute of two characters, whose value is its count.

The first character tells which time it is, and the bucket divided by 62; the second has the rest.
"""

import string
from collections.abc import Mapping
from typing import Any

from switchboard.domain.dimensions import Latency
from switchboard.domain.histogram import LAST_BUCKET, Histogram, bucket_of

_FIRST = {Latency.TTFT: "ABCDE", Latency.FIRST_SENTENCE: "FGHIJ", Latency.DURATION: "KLMNO"}
_SECOND = string.digits + string.ascii_letters
_NAMES = {
    (latency, bucket): first[bucket // len(_SECOND)] + _SECOND[bucket % len(_SECOND)]
    for latency, first in _FIRST.items()
    for bucket in range(LAST_BUCKET + 1)
}
_BUCKETS = {name: place for place, name in _NAMES.items()}


def counters(latencies: Mapping[Latency, float]) -> Mapping[str, int]:
    """The buckets that a call's times raise, each by 1."""
    return {_NAMES[latency, bucket_of(value)]: 1 for latency, value in latencies.items()}


def histograms(item: Mapping[str, Any]) -> Mapping[Latency, Histogram]:
    """The histograms of a row; one without values is empty."""
    counts: dict[Latency, dict[int, int]] = {latency: {} for latency in Latency}
    for name, count in item.items():
        if name in _BUCKETS and count:
            latency, bucket = _BUCKETS[name]
            counts[latency][bucket] = count
    return {latency: Histogram(found) for latency, found in counts.items()}
