"""Settles a finished call with its rate cards."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from switchboard.domain.rates import PRICED_CLASSES, Price, RateCard, cost_at_rates, price_of, unpriced_classes
from switchboard.domain.settlement import AttemptCost, Settlement
from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import Usage

type CardOf = Callable[[str, str, datetime], RateCard | None]
"""The rate card of a provider and a model for a call that began at that time; None if the price is unknown."""

_ENDED_WITHOUT_A_COUNT = frozenset({Status.OK, Status.EMPTY, Status.LOST})
"""Calls with these statuses reached a provider: if their usage is missing, their tokens are unknown, not zero."""


class _Cost(NamedTuple):
    """What one attempt cost, its price, and its classes without a price."""

    pico_usd: int | None
    price: Price | None = None
    unpriced: tuple[str, ...] = ()


_FREE = _Cost(0)
_UNKNOWN = _Cost(None)


def settled(trace: Trace, card: CardOf, settled_at: datetime) -> Trace:
    """The trace with its cost: its own and that of every attempt with usage, each by its own provider and model.

    A cost is what the provider billed, else by the rate card; 0 if no token was used. One unknown cost makes the sum
    unknown; a class without a price is left out of the sum and named.
    """
    own = _FREE if used_nothing(trace) else _cost(trace.usage, trace.provider, trace.model, trace, card)
    beside = {
        place: _cost(attempt.usage, attempt.provider, attempt.model, trace, card)
        for place, attempt in enumerate(trace.attempts)
        if attempt.usage.tokens is not None
    }
    attempts = tuple(AttemptCost(place, cost.pico_usd, cost.price) for place, cost in beside.items())
    costs = [own, *beside.values()]
    total, unpriced = _sum(cost.pico_usd for cost in costs), {name for cost in costs for name in cost.unpriced}
    named = tuple(name for name in PRICED_CLASSES if name in unpriced)
    return replace(trace, settlement=Settlement(settled_at, total, own.price, attempts, unpriced_classes=named))


def used_nothing(trace: Trace) -> bool:
    """Whether the answer certainly used no token: the call was refused, stopped, or failed before the first one."""
    if trace.usage.tokens is not None:
        return _is_free(trace.usage)
    return trace.ttft_ms is None and trace.status not in _ENDED_WITHOUT_A_COUNT


def unpriced_model(trace: Trace) -> tuple[str | None, str | None]:
    """The first of `unpriced_models`; (None, None) if every cost is known."""
    return next(unpriced_models(trace), (None, None))


def unpriced_models(trace: Trace) -> Iterator[tuple[str | None, str | None]]:
    """Provider and model of the call's answer and of each attempt whose cost is not or only partly known."""
    settlement = trace.settlement
    if settlement is None or not (settlement.is_unpriced or settlement.unpriced_classes):
        return
    if not (_is_known(trace.usage, settlement.price) or used_nothing(trace)):
        yield trace.provider, trace.model
    for cost in settlement.attempt_costs:
        attempt = trace.attempts[cost.attempt]
        if cost.cost_pico_usd is None or not (_is_known(attempt.usage, cost.price) or _is_free(attempt.usage)):
            yield attempt.provider, attempt.model


def _is_known(usage: Usage, price: Price | None) -> bool:
    """Whether the whole cost is known: billed by the provider, or by a price of every class."""
    if usage.billed_pico_usd is not None:
        return True
    return price is not None and usage.tokens is not None and not unpriced_classes(usage.tokens, price.rates)


def _cost(usage: Usage, provider: str | None, model: str | None, trace: Trace, card: CardOf) -> _Cost:
    if usage.billed_pico_usd is not None:
        return _Cost(usage.billed_pico_usd)
    if usage.tokens is None:
        return _UNKNOWN
    if _is_free(usage):
        return _FREE
    found = card(provider or "", model or "", trace.started_at)
    if found is None and usage.answer_model is not None:
        found = card(provider or "", usage.answer_model, trace.started_at)
    price = None if found is None else price_of(usage, found)
    if price is None:
        return _UNKNOWN
    return _Cost(cost_at_rates(usage.tokens, price.rates), price, unpriced_classes(usage.tokens, price.rates))


def _is_free(usage: Usage) -> bool:
    tokens = usage.tokens
    if usage.billed_pico_usd is not None or tokens is None:
        return False
    return tokens.prompt == tokens.completion == tokens.searches == 0


def _sum(costs: Iterable[int | None]) -> int | None:
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)
