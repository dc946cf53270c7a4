"""A finished call and a rate card become a settled call."""

from dataclasses import replace
from datetime import datetime

from switchboard.rates import RateCard, cost_pico_usd, price_of
from switchboard.settlement import Settlement
from switchboard.trace import Status, Trace

_ENDED_WITHOUT_A_COUNT = frozenset({Status.OK, Status.LOST})
"""A provider has worked for these, so that missing tokens are unknown tokens."""


def settled(trace: Trace, card: RateCard | None, settled_at: datetime) -> Trace:
    """The trace with its cost: as its provider billed it, else by its card; 0 where it used no token, else unknown."""
    return replace(trace, settlement=_settlement(trace, card, settled_at))


def used_nothing(trace: Trace) -> bool:
    """Whether the call certainly used no token: it was refused, or failed before the first one."""
    if trace.usage.tokens is not None:
        return trace.usage.tokens.prompt == trace.usage.tokens.output == 0
    return trace.ttft_ms is None and trace.status not in _ENDED_WITHOUT_A_COUNT


def _settlement(trace: Trace, card: RateCard | None, settled_at: datetime) -> Settlement:
    tokens = trace.usage.tokens
    if trace.usage.billed_pico_usd is not None:
        return Settlement(settled_at, trace.usage.billed_pico_usd)
    if used_nothing(trace):
        return Settlement(settled_at, 0)
    if tokens is None or card is None:
        return Settlement(settled_at, None)
    return Settlement(settled_at, cost_pico_usd(tokens, card), price_of(tokens, card))
