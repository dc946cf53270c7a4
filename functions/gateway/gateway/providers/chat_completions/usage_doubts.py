"""Finds counts and costs in usage objects that cannot be, in any provider's dialect: they count as not told."""

from collections.abc import Iterator

from gateway.domain.json_text import count_field
from gateway.providers.chat_completions.bills import read_ticks
from switchboard.domain.limits import MAX_BILL_PICO_USD
from switchboard.stream.deltas import Json

IMPOSSIBLE_COUNT = "the provider told a number of tokens that cannot be: it is not used"
IMPOSSIBLE_BILL = "the provider told a cost that cannot be: it is not used"

_COUNTS = ("tokens", "token_count")
_BILLS = ("cost", "total_cost", "upstream_inference_cost")
_TICKS = "cost_in_usd_ticks"
_PICO = 10**12


def has_impossible_count(usage: Json) -> bool:
    """Whether a count of tokens, or of a class of them, is no whole number within the bounds."""
    return any(
        name.endswith(_COUNTS) and value is not None and count_field(holder, name) is None
        for holder in _holders(usage)
        for name, value in holder.items()
        if not isinstance(value, dict | list)
    )


def has_impossible_bill(usage: Json) -> bool:
    """Whether a cost is no number of dollars within the bounds, or of xAI's ticks."""
    if usage.get(_TICKS) is not None and read_ticks(usage) is None:
        return True
    return any(
        not (isinstance(value, int | float) and 0 <= value * _PICO <= MAX_BILL_PICO_USD)
        for holder in _holders(usage)
        for name, value in holder.items()
        if name in _BILLS and value is not None and not isinstance(value, dict)
    )


def _holders(usage: Json) -> Iterator[Json]:
    """The object, and the objects of details in it."""
    yield usage
    yield from (value for value in usage.values() if isinstance(value, dict))
