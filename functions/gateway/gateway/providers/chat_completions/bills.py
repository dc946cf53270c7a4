"""Reads what a provider itself charged for a call, in pico-dollars; None where it did not tell, or not what can be."""

from decimal import Decimal

from gateway.domain.json_text import object_field
from switchboard.domain.limits import MAX_BILL_PICO_USD
from switchboard.stream.deltas import Json

PICO = 10**12
_PICO_PER_TICK = 100
_DOLLARS = "USD"


def read_no_bill(_usage: Json | None) -> int | None:
    """None: the provider does not report a cost."""
    return None


def read_cost(usage: Json | None) -> int | None:
    """OpenRouter's `cost`.

    With the caller's own key at the provider (`is_byok`), `cost` is OpenRouter's fee; the provider's part is added.
    """
    if usage is None or not _is_in_dollars(usage) or (fee := pico_usd(usage.get("cost"))) is None:
        return None
    if usage.get("is_byok") is not True:
        return fee
    return fee + (pico_usd(object_field(usage, "cost_details").get("upstream_inference_cost")) or 0)


def read_ticks(usage: Json | None) -> int | None:
    """xAI's `cost_in_usd_ticks`: 10,000,000,000 ticks are a dollar. https://docs.x.ai/developers/cost-tracking"""
    ticks = None if usage is None else usage.get("cost_in_usd_ticks")
    if type(ticks) is not int or not 0 <= ticks * _PICO_PER_TICK <= MAX_BILL_PICO_USD:
        return None
    return ticks * _PICO_PER_TICK


def read_total_cost(usage: Json | None) -> int | None:
    """Perplexity's `cost`, an object with the parts and their sum."""
    if usage is None:
        return None
    cost = object_field(usage, "cost")
    return pico_usd(cost.get("total_cost")) if _is_in_dollars(cost) else None


def _is_in_dollars(holder: Json) -> bool:
    """Whether no other currency is told beside an amount."""
    return str(holder.get("currency") or _DOLLARS).strip().upper() == _DOLLARS


def pico_usd(amount: object) -> int | None:
    """A number of dollars; None if it is none, or none that can be."""
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount * PICO <= MAX_BILL_PICO_USD:
        return None
    return round(Decimal(str(amount)) * PICO)
