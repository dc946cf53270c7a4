"""Histograms with log-spaced buckets: they can be added, and a percentile is within 3 % of the exact one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, floor, log, sqrt
from typing import Self

GROWTH = 1.06
"""Each bucket ends at this multiple of its start; its middle (by ratio) is at most 2.96 % from any value in it."""

LAST_BUCKET = 255
"""It has everything from 2,800 s on. No call runs that long."""

_SMALLEST_MS = 1.0


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values are in each bucket. Bucket n holds values from GROWTH**n to before GROWTH**(n+1) milliseconds."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(self.counts.values())

    def percentile(self, percent: int) -> float | None:
        """The value that `percent` of the values are at or below, in milliseconds; None without values."""
        left = ceil(self.count * percent / 100)
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                return middle_ms(bucket)
        return None

    @classmethod
    def sum_of(cls, histograms: "Iterable[Histogram]") -> Self:
        """The values of all of them. The time depends on their raised buckets alone, not on those of the sum."""
        counts = Counter[int]()
        for each in histograms:
            counts.update(each.counts)
        return cls(counts)

    def __add__(self, other: "Histogram") -> "Histogram":
        return Histogram.sum_of((self, other))


def bucket_of(value_ms: float) -> int:
    """The bucket of a time in milliseconds; everything up to a millisecond is in bucket 0."""
    return min(floor(log(max(value_ms, _SMALLEST_MS)) / log(GROWTH)), LAST_BUCKET)


def middle_ms(bucket: int) -> float:
    """The middle of a bucket, by ratio, in milliseconds."""
    return GROWTH**bucket * sqrt(GROWTH)
