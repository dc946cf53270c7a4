"""What totals can be grouped and filtered by, and the sums of a day by these names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from switchboard.domain.histogram import Histogram
from switchboard.domain.totals import Totals


class Dimension(StrEnum):
    """A name by which calls are summed in any combination with the others.

    `AGENT` is the metadata entry `agent-id`, `KEY` the gateway key's id.
    """

    TASK = "task"
    ENVIRONMENT = "environment"
    KEY = "key"
    AGENT = "agent"
    PROVIDER = "provider"
    MODEL = "model"
    STATUS = "status"


type Combination = Mapping[Dimension, str | None]
"""A value for each dimension; None where the calls had none, such as calls without an agent."""


class Latency(StrEnum):
    """A time of which percentiles are kept, over finished `ok` calls; in milliseconds from the call's arrival."""

    TTFT = "ttft_ms"
    FIRST_SENTENCE = "first_sentence_ms"
    DURATION = "duration_ms"


@dataclass(frozen=True, slots=True)
class CombinationDay:
    """The sums of one combination on one UTC day, or of one shard of it."""

    day: date
    combination: Combination
    totals: Totals


@dataclass(frozen=True, slots=True)
class CallerDay:
    """The sums of one caller (the metadata entry `caller-id`) on one UTC day, or of one shard of it."""

    day: date
    caller: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class LatencyDay:
    """How long the `ok` calls of a task to one model took on one UTC day, or those of one shard of it."""

    day: date
    task_id: str
    provider: str | None
    model: str | None
    histograms: Mapping[Latency, Histogram]
