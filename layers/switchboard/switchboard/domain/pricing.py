"""Settles a finished call with its rate cards."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from switchboard.domain.rates import Price, RateCard, cost_pico_usd, price_of
from switchboard.domain.settlement import AttemptCost, Settlement
from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import Usage

type CardOf = Callable[[str, str, datetime], RateCard | None]
"""The rate card of a provider and a model for a call that began at that time; None if the price is unknown."""

_ENDED_WITHOUT_A_COUNT = frozenset({Status.OK, Status.EMPTY, Status.LOST})
"""Calls with these statuses reached a provider: if their usage is missing, their tokens are unknown, not zero."""


def settled(trace: Trace, card: CardOf, settled_at: datetime) -> Trace:
    """The trace with its cost: its own and that of every attempt with usage, each by its own provider and model.

    A cost is what the provider billed, else by the rate card; 0 if no token was used. One unknown cost makes the sum
    unknown.
    """
    own, price = (0, None) if used_nothing(trace) else _cost(trace.usage, trace.provider, trace.model, trace, card)
    attempts = tuple(
        AttemptCost(place, *_cost(attempt.usage, attempt.provider, attempt.model, trace, card))
        for place, attempt in enumerate(trace.attempts)
        if attempt.usage.tokens is not None
    )
    total = _sum([own, *(attempt.cost_pico_usd for attempt in attempts)])
    return replace(trace, settlement=Settlement(settled_at, total, price, attempts))


def used_nothing(trace: Trace) -> bool:
    """Whether the answer certainly used no token: the call was refused, stopped, or failed before the first one."""
    if trace.usage.tokens is not None:
        return _is_free(trace.usage)
    return trace.ttft_ms is None and trace.status not in _ENDED_WITHOUT_A_COUNT


def unpriced_model(trace: Trace) -> tuple[str | None, str | None]:
    """The first provider and model whose tokens have no known cost; (None, None) if every cost is known."""
    settlement = trace.settlement
    if settlement is None or not settlement.is_unpriced:
        return None, None
    is_known = settlement.price is not None or trace.usage.billed_pico_usd is not None or used_nothing(trace)
    unknown = next((cost.attempt for cost in settlement.attempt_costs if cost.cost_pico_usd is None), None)
    if unknown is None or not is_known:
        return trace.provider, trace.model
    return trace.attempts[unknown].provider, trace.attempts[unknown].model


def _cost(
    usage: Usage, provider: str | None, model: str | None, trace: Trace, card: CardOf
) -> tuple[int | None, Price | None]:
    if usage.billed_pico_usd is not None:
        return usage.billed_pico_usd, None
    if usage.tokens is None:
        return None, None
    if _is_free(usage):
        return 0, None
    found = card(provider or "", model or "", trace.started_at)
    return (None, None) if found is None else (cost_pico_usd(usage.tokens, found), price_of(usage.tokens, found))


def _is_free(usage: Usage) -> bool:
    tokens = usage.tokens
    return usage.billed_pico_usd is None and tokens is not None and tokens.prompt == tokens.output == 0


def _sum(costs: Iterable[int | None]) -> int | None:
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)
