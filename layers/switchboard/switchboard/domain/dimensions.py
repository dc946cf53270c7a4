"""What totals can be grouped and filtered by, and the sums of a day by these names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from switchboard.domain.histogram import Histogram
from switchboard.domain.limits import MAX_DIMENSION_CHARACTERS, clipped
from switchboard.domain.totals import Span, Totals
from switchboard.domain.trace import Status, Trace

AGENT_METADATA = "agent-id"
CALLER_METADATA = "caller-id"

_HASH_CHARACTERS = 16


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


def combination_of(trace: Trace) -> Combination:
    """The call's value of each dimension."""
    return {
        Dimension.TASK: bounded(trace.task_id),
        Dimension.ENVIRONMENT: bounded(trace.environment),
        Dimension.KEY: bounded(trace.key_id),
        Dimension.AGENT: bounded(trace.metadata.get(AGENT_METADATA)),
        Dimension.PROVIDER: bounded(trace.provider),
        Dimension.MODEL: bounded(trace.model),
        Dimension.STATUS: trace.status.value,
    }


def caller_of(trace: Trace) -> str | None:
    """The call's caller; None if it had none."""
    return bounded(trace.metadata.get(CALLER_METADATA))


def bounded(name: str | None) -> str | None:
    """A name as totals have it: None if it is empty, and if it is too long, its beginning and a hash of the whole."""
    if not name:
        return None
    if len(name) <= MAX_DIMENSION_CHARACTERS:
        return name
    whole = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARACTERS]
    return f"{clipped(name, MAX_DIMENSION_CHARACTERS - _HASH_CHARACTERS)}{whole}"


def latencies_of(trace: Trace) -> Mapping[Latency, float]:
    """The times of a call that percentiles are kept of: none unless it ended with `ok`."""
    if trace.status is not Status.OK:
        return {}
    return {latency: value for latency in Latency if (value := getattr(trace, latency.value)) is not None}


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


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """The sums of the calls of a task whose system prompt was the same but for its variables.

    `seen`: the starts of its first and its last call. `example`: the id of one of its traces, of the latest in most
    cases, whose request has the prompt.
    """

    task_id: str
    version: str
    totals: Totals
    seen: Span
    example: str

    def __add__(self, other: "PromptVersion") -> "PromptVersion":
        """The sums of two parts of the same version."""
        example = self.example if self.seen.last >= other.seen.last else other.example
        return replace(self, totals=self.totals + other.totals, seen=self.seen | other.seen, example=example)
