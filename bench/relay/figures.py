"""The figures of a run: how long callers wait, how many get an answer, and what the providers bill."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.relay.runs import Mode, Run
from bench.relay.twins import ANSWER_TOKENS, PROMPT_TOKENS

ASKED_AGAIN_MS = 4000.0
"""ElevenLabs' default timeout, after which it sends the same turn again."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One run in numbers. Times to first token in milliseconds, infinite if so many calls had none.
    Shares are fractions.

    `silent_share`: calls without content after 4 s. `extra_cost`: the providers' bill over that of one complete answer
    for each call, prompt and answer tokens at one price. `added_ms`: what a call took beyond its provider's own time,
    the median and the p99 of those that the first target answered.
    """

    mode: Mode
    p50_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    success_share: float
    silent_share: float
    extra_cost: float
    requests: tuple[int, ...]
    added_p50_ms: float
    added_p99_ms: float
    gateway_cpu_share: float | None


def figures(run: Run) -> Figures:
    """The numbers of a run."""
    waits_ms = waits(run)
    added_ms = _added_ms(run)
    tokens = sum(tally.prompt_tokens + tally.answer_tokens for tally in run.tallies)
    calls = len(run.received)
    return Figures(
        mode=run.mode,
        p50_ms=quantile(waits_ms, 0.5),
        p95_ms=quantile(waits_ms, 0.95),
        p99_ms=quantile(waits_ms, 0.99),
        p999_ms=quantile(waits_ms, 0.999),
        success_share=sum(received.is_complete for received in run.received) / calls,
        silent_share=silent_share(waits_ms, ASKED_AGAIN_MS),
        extra_cost=tokens / (calls * (PROMPT_TOKENS + ANSWER_TOKENS)) - 1,
        requests=tuple(tally.requests for tally in run.tallies),
        added_p50_ms=median(added_ms),
        added_p99_ms=quantile(added_ms, 0.99),
        gateway_cpu_share=run.gateway_cpu_share,
    )


def waits(run: Run) -> list[float]:
    """Each caller's time to first token, the shortest first; infinite if it got none."""
    return sorted(math.inf if received.ttft_ms is None else received.ttft_ms for received in run.received)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return ordered[max(0, math.ceil(round(len(ordered) * share, 6)) - 1)]


def silent_share(waits_ms: Sequence[float], after_ms: float) -> float:
    """The share that is without content after this time."""
    return sum(wait_ms > after_ms for wait_ms in waits_ms) / len(waits_ms)


def _added_ms(run: Run) -> list[float]:
    """What the mode added to each call that its first target answered."""
    drawn = run.plot.first_tokens_ms(0)
    return sorted(
        received.ttft_ms - first_token_ms
        for received, first_token_ms in zip(run.received, drawn, strict=True)
        if received.ttft_ms is not None and first_token_ms is not None and received.target == 0
    )
