"""Parts of a settled call's cost: what bought nothing, and what the provider's cache saved."""

from switchboard.domain.rates import Price, Rates
from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import Tokens

UNHEARD = frozenset({Status.SUPERSEDED, Status.INTERRUPTED})
"""Calls whose answer the caller had no more use for: another call of the turn was answered, or a later turn began."""

_FRESH = {"cache_read": "fresh_input", "audio_cache_read": "audio_input", "image_cache_read": "image_input"}
"""The class that the tokens of a cached class would have been in without the cache."""


def unheard_pico_usd(trace: Trace) -> int:
    """The part of the call's cost that paid for answers which nobody heard.

    The whole cost of a superseded or interrupted call, though the beginning of an interrupted one may have been heard;
    else the cost of every attempt whose answer was not used: hedges that lost, targets that were late or failed. 0 for
    an unpriced call, whose cost is in no sum. A caller who hung up (`client_closed`) had been listening.
    """
    settlement = trace.settlement
    if settlement is None or settlement.cost_pico_usd is None:
        return 0
    if trace.status in UNHEARD:
        return settlement.cost_pico_usd
    return sum(attempt.cost_pico_usd or 0 for attempt in settlement.attempt_costs)


def saved_pico_usd(trace: Trace) -> int:
    """How much more the tokens that were read from a cache would have cost as fresh input, at the prices on the trace.

    Nothing is subtracted: what writing to the cache cost beyond fresh input is in the cost. 0 where no price is kept,
    such as for a cost that the provider reported, and for an unpriced call.
    """
    settlement = trace.settlement
    if settlement is None or settlement.cost_pico_usd is None:
        return 0
    beside = [(trace.attempts[cost.attempt].usage.tokens, cost.price) for cost in settlement.attempt_costs]
    return sum(_saved(tokens, price) for tokens, price in [(trace.usage.tokens, settlement.price), *beside])


def _saved(tokens: Tokens | None, price: Price | None) -> int:
    if tokens is None or price is None:
        return 0
    return sum(_saved_of(cached, fresh, tokens, price.rates) for cached, fresh in _FRESH.items())


def _saved_of(cached: str, fresh: str, tokens: Tokens, rates: Rates) -> int:
    """What one class saved; 0 if one of its two rates is unknown."""
    read, paid, full = getattr(tokens, cached), getattr(rates, cached), getattr(rates, fresh)
    return 0 if paid is None or full is None else read * (full - paid)
