"""Calls that wait for a price, and how far they were tried."""

from dataclasses import dataclass

from switchboard.domain.trace import Trace


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model at a provider that calls of the project used without a price; names as in the calls."""

    project: str
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Progress:
    """At which prices a model's waiting calls were tried last, up to which place; None: at none, or from the first.

    `prices` is the fingerprint of all prices that could apply. `is_done`: all calls were tried.
    """

    prices: str | None = None
    place: str | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class WaitingCalls:
    """Some of a model's waiting calls: the ids of their rows, the traces that still exist, where the part ends."""

    trace_ids: tuple[str, ...]
    traces: tuple[Trace, ...]
    place: str
