"""Usage ⇄ an attribute of its row: `from_item(to_item(usage)) == usage`."""

from collections.abc import Mapping
from typing import Any

from switchboard.domain.limits import MAX_TOKENS
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource, believed
from switchboard.store.attributes import Item

_OPTIONAL_TOKENS = ("cache_read", "cache_write_5m", "cache_write_1h", "reasoning")


def to_item(usage: Usage) -> Item | None:
    """The attribute; None if there is no usage. Token classes that are usually 0 are left out if they are 0."""
    if usage.tokens is None:
        return None
    optional = {name: getattr(usage.tokens, name) for name in _OPTIONAL_TOKENS}
    return {
        "source": usage.source.value,
        "fresh_input": usage.tokens.fresh_input,
        "output": usage.tokens.output,
        **{name: count for name, count in optional.items() if count},
        **({} if usage.billed_pico_usd is None else {"billed_pico_usd": usage.billed_pico_usd}),
    }


def from_item(item: Mapping[str, Any] | None) -> Usage:
    """The usage of an attribute, ABSENT where its counts cannot be. Raises KeyError or ValueError if it is no usage."""
    if item is None:
        return ABSENT
    counts = {"fresh_input": item["fresh_input"], "output": item["output"]}
    counts |= {name: item.get(name, 0) for name in _OPTIONAL_TOKENS}
    if not all(type(count) is int and 0 <= count <= MAX_TOKENS for count in counts.values()):
        return ABSENT
    return believed(Usage(UsageSource(item["source"]), Tokens(**counts), item.get("billed_pico_usd")))
