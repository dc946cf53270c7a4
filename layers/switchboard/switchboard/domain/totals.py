"""Totals: counts, costs and tokens summed over calls, stored by periods of UTC."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from switchboard.domain.cost_parts import saved_pico_usd, unheard_pico_usd
from switchboard.domain.trace import Trace
from switchboard.domain.usage import Tokens, UsageSource


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over calls. Money is whole pico-dollars; tokens are in disjoint classes (`reasoning` is part of `output`).

    `errors`: calls that failed while their caller was waiting. `unpriced_calls`: calls of unknown cost, which is not in
    the sum. `partly_priced_calls`: calls whose cost lacks a token class without a price. `estimated_calls`: calls with
    estimated tokens, even if only those of one attempt. `searches`: web searches that providers made.

    `unheard_pico_usd`: the part of the cost that paid for answers which nobody heard. `saved_pico_usd`: how much more
    cached input would have cost as fresh input (see `cost_parts`).
    """

    calls: int = 0
    errors: int = 0
    unpriced_calls: int = 0
    partly_priced_calls: int = 0
    estimated_calls: int = 0
    cost_pico_usd: int = 0
    unheard_pico_usd: int = 0
    saved_pico_usd: int = 0
    fresh_input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_cache_read: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_cache_read: int = 0
    image_output: int = 0
    searches: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Every token of the prompts, cached or not, of text, audio and images."""
        text = self.fresh_input + self.cache_read + self.cache_write_5m + self.cache_write_1h
        return text + self.audio_input + self.audio_cache_read + self.image_input + self.image_cache_read

    @property
    def completion_tokens(self) -> int:
        """Every token of the answers, including reasoning, audio and images."""
        return self.output + self.audio_output + self.image_output

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, name) + getattr(other, name) for name in COUNTERS))


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Periods of totals lie between these."""

COUNTERS = tuple(field.name for field in fields(Totals))
ZERO = Totals()
_TOKEN_CLASSES = tuple(field.name for field in fields(Tokens))


def totals_of(trace: Trace) -> Totals:
    """What a settled call adds, with all its attempts. Raises ValueError for a call that is not settled."""
    if trace.settlement is None:
        raise ValueError(f"{trace.trace_id} is not settled")
    used = trace.usages
    tokens = [usage.tokens for usage in used if usage.tokens is not None]
    return Totals(
        calls=1,
        errors=int(trace.is_error),
        unpriced_calls=int(trace.settlement.is_unpriced),
        partly_priced_calls=int(trace.settlement.is_partly_priced),
        estimated_calls=int(any(usage.source is UsageSource.ESTIMATED for usage in used)),
        cost_pico_usd=trace.settlement.cost_pico_usd or 0,
        unheard_pico_usd=unheard_pico_usd(trace),
        saved_pico_usd=saved_pico_usd(trace),
        **{name: sum(getattr(each, name) for each in tokens) for name in _TOKEN_CLASSES},
    )


@dataclass(frozen=True, slots=True)
class Span:
    """From the first call's start to the last call's, both in UTC."""

    first: datetime
    last: datetime

    def __or__(self, other: "Span") -> "Span":
        return Span(min(self.first, other.first), max(self.last, other.last))


@dataclass(frozen=True, slots=True)
class TaskTotals:
    """A task's all-time totals."""

    task_id: str
    totals: Totals
    seen: Span


class Granularity(StrEnum):
    """How long a period is. Periods begin on the hour, at midnight or on a month's first day, in UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    def start_of(self, moment: datetime) -> datetime:
        """The start of the period that contains the time."""
        hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        match self:
            case Granularity.HOUR:
                return hour
            case Granularity.DAY:
                return hour.replace(hour=0)
            case Granularity.MONTH:
                return hour.replace(hour=0, day=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The totals of one period, by the time its calls started."""

    start: datetime
    totals: Totals


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """The periods that had calls, oldest first, and their sum."""

    total: Totals
    periods: tuple[Period, ...]

    @classmethod
    def of(cls, periods: tuple[Period, ...]) -> Self:
        """The periods with their sum."""
        return cls(sum((period.totals for period in periods), ZERO), periods)
