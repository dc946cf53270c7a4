"""Usage ⇄ an attribute of its row: `from_item(to_item(usage)) == usage`.

Names are short, since rows are billed by their size. The long names of rows of earlier versions are read too.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from switchboard.domain.limits import MAX_TOKENS
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource, believed
from switchboard.store.attributes import Item

TOKEN_NAMES = {
    "fresh_input": "i",
    "output": "o",
    "cache_read": "r",
    "cache_write_5m": "w",
    "cache_write_1h": "h",
    "reasoning": "t",
    "audio_input": "ai",
    "audio_cache_read": "ar",
    "audio_output": "ao",
    "image_input": "mi",
    "image_cache_read": "mr",
    "image_output": "mo",
    "searches": "n",
}
"""The attribute of each token class, in usage and in rates."""

_SOURCES = {UsageSource.PROVIDER: "p", UsageSource.ESTIMATED: "e"}
_SOURCE_OF = {name: source for source, name in _SOURCES.items()}
_TOLD = {"service_tier": "g", "region": "z", "speed": "v", "answer_model": "m"}


def to_item(usage: Usage) -> Item | None:
    """The attribute; None if there is no usage. What is 0 or was not told is left out."""
    if usage.tokens is None:
        return None
    counts = {short: getattr(usage.tokens, name) for name, short in TOKEN_NAMES.items()}
    told = {short: getattr(usage, name) for name, short in _TOLD.items()}
    return {
        "s": _SOURCES[usage.source],
        **{short: value for short, value in (counts | told).items() if value},
        **({} if usage.billed_pico_usd is None else {"b": usage.billed_pico_usd}),
    }


def from_item(item: Mapping[str, Any] | None) -> Usage:
    """The usage of an attribute, ABSENT where its counts cannot be. Raises KeyError or ValueError if it is no usage."""
    if item is None:
        return ABSENT
    if "source" in item:
        return _of_long_names(item)
    counts = {name: item.get(short, 0) for name, short in TOKEN_NAMES.items()}
    told = {name: item.get(short) for name, short in _TOLD.items()}
    return _usage(_SOURCE_OF[item["s"]], counts, Usage(UsageSource.ABSENT, None, item.get("b"), **told))


def _of_long_names(item: Mapping[str, Any]) -> Usage:
    counts = {name: item.get(name, 0) for name in TOKEN_NAMES} | {
        name: item[name] for name in ("fresh_input", "output")
    }
    return _usage(UsageSource(item["source"]), counts, Usage(UsageSource.ABSENT, None, item.get("billed_pico_usd")))


def _usage(source: UsageSource, counts: Mapping[str, Any], told: Usage) -> Usage:
    if not all(type(count) is int and 0 <= count <= MAX_TOKENS for count in counts.values()):
        return ABSENT
    return believed(replace(told, source=source, tokens=Tokens(**counts)))
