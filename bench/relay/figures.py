"""What a way to call comes to: how long callers wait, how many hear an answer, and what the providers bill for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.relay.runs import Kind, Run
from bench.relay.twins import ANSWER_TOKENS, PROMPT_TOKENS

ASKED_AGAIN_MS = 4000.0
"""ElevenLabs' default patience: it then sends the same turn again."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One run in numbers. Times to first token in milliseconds, infinite where so many calls had none; shares from 0.

    `silent_share`: without a word after 4 s. `extra_cost`: what the providers reckon, over what one whole answer for
    each call costs, prompt and answer tokens at one price. `added_ms`: what a call took beyond its own provider's time,
    the median and the p99 of those that the first target answered.
    """

    kind: Kind
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
    calls = len(run.heard)
    return Figures(
        kind=run.kind,
        p50_ms=quantile(waits_ms, 0.5),
        p95_ms=quantile(waits_ms, 0.95),
        p99_ms=quantile(waits_ms, 0.99),
        p999_ms=quantile(waits_ms, 0.999),
        success_share=sum(heard.is_whole for heard in run.heard) / calls,
        silent_share=silent_share(waits_ms, ASKED_AGAIN_MS),
        extra_cost=tokens / (calls * (PROMPT_TOKENS + ANSWER_TOKENS)) - 1,
        requests=tuple(tally.requests for tally in run.tallies),
        added_p50_ms=median(added_ms),
        added_p99_ms=quantile(added_ms, 0.99),
        gateway_cpu_share=run.gateway_cpu_share,
    )


def waits(run: Run) -> list[float]:
    """How long each caller waited for the first word, the shortest first; infinite for those who heard none."""
    return sorted(math.inf if heard.ttft_ms is None else heard.ttft_ms for heard in run.heard)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The least of the values that this share of them does not exceed."""
    return ordered[max(0, math.ceil(round(len(ordered) * share, 6)) - 1)]


def silent_share(waits_ms: Sequence[float], after_ms: float) -> float:
    """The share that is still without a word after so long."""
    return sum(wait_ms > after_ms for wait_ms in waits_ms) / len(waits_ms)


def _added_ms(run: Run) -> list[float]:
    """What the way added to each call that its first target answered."""
    drawn = run.plot.first_words_ms(0)
    return sorted(
        heard.ttft_ms - first_word_ms
        for heard, first_word_ms in zip(run.heard, drawn, strict=True)
        if heard.ttft_ms is not None and first_word_ms is not None and heard.target == 0
    )
