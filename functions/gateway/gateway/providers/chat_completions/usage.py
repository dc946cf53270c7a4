"""Reads usage objects of Chat Completions into disjoint token classes.

Usage whose prompt or completion count is missing is ABSENT, never 0.
"""

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import TypeIs

from gateway.domain.json_text import count_field, object_field
from gateway.providers.chat_completions.modalities import split
from switchboard.domain.limits import MAX_TOKENS
from switchboard.domain.usage import ABSENT, Usage, UsageSource
from switchboard.stream.deltas import Json

type UsageReader = Callable[[Json | None], Usage]
type BillReader = Callable[[Json | None], int | None]
"""Reads the cost of a call that the provider itself reports, in pico-dollars."""


def read_openai(usage: Json | None) -> Usage:
    """OpenAI's counters: cached tokens are part of the prompt's count, reasoning of the completion's."""
    return _read(usage, _completion)


def read_reasoning_outside(usage: Json | None) -> Usage:
    """xAI's: the completion's count excludes reasoning, and both are billed."""
    return _read(usage, lambda found: _completion(found) + _reasoning(found))


def read_by_total(usage: Json | None) -> Usage:
    """Google's: hidden thinking is counted in the total only, and billed as output."""

    def output(found: Json) -> int:
        total = count_field(found, "total_tokens")
        return max(_completion(found), (total or 0) - (count_field(found, "prompt_tokens") or 0))

    return _read(usage, output)


def read_seconds_of_audio(usage: Json | None) -> Usage:
    """Mistral's: audio is told in seconds, and its tokens, if at all, in the total only.

    They are a class of their own, which its price list charges by the minute. Where only seconds are told, each counts
    as one token, so that the call is known to have had audio.
    """
    read = read_openai(usage)
    seconds = None if usage is None else usage.get("prompt_audio_seconds")
    if usage is None or read.tokens is None or not _is_duration(seconds):
        return read
    rest = (count_field(usage, "total_tokens") or 0) - read.tokens.prompt - read.tokens.completion
    audio = rest if rest > 0 else ceil(seconds)
    return replace(read, tokens=replace(read.tokens, audio_input=read.tokens.audio_input + audio))


def _is_duration(seconds: object) -> TypeIs[int | float]:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds <= MAX_TOKENS


def _read(usage: Json | None, output_of: Callable[[Json], int]) -> Usage:
    if usage is None or (prompt := _count_or_rest(usage, "prompt_tokens", "completion_tokens")) is None:
        return ABSENT
    if (output_count := _count_or_rest(usage, "completion_tokens", "prompt_tokens")) is None:
        return ABSENT
    output = max(output_count, output_of(usage))
    reasoning = max(_reasoning(usage), output - _completion(usage))
    read, written = _cache_read(usage), _cache_write(usage)
    tokens = split(usage, prompt, output, read=read, written=written, reasoning=reasoning)
    for_an_hour = min(tokens.cache_write_5m, _written_for_an_hour(usage))
    return Usage(
        UsageSource.PROVIDER,
        replace(
            tokens,
            cache_write_5m=tokens.cache_write_5m - for_an_hour,
            cache_write_1h=for_an_hour,
            searches=_searches(usage),
        ),
    )


def _count_or_rest(usage: Json, name: str, other: str) -> int | None:
    """The count itself, or the total less the other count."""
    count, total, rest = (count_field(usage, key) for key in (name, "total_tokens", other))
    if count is not None or total is None or rest is None:
        return count
    return max(0, total - rest)


def _completion(usage: Json) -> int:
    return count_field(usage, "completion_tokens") or 0


def _reasoning(usage: Json) -> int:
    return count_field(object_field(usage, "completion_tokens_details"), "reasoning_tokens") or 0


_SEARCHES = (
    "num_sources_used",  # xAI, which charges for sources, not for searches
    "num_search_queries",  # Perplexity
    "web_search_requests",
)


def _searches(usage: Json) -> int:
    places = (usage, object_field(usage, "server_tool_use"), object_field(usage, "server_tool_use_details"))
    return next((count for place in places for name in _SEARCHES if (count := count_field(place, name))), 0)


_DETAILS = ("prompt_tokens_details", "prompt_token_details", "input_tokens_details")
_CACHE_READS = (
    "cached_tokens",  # OpenAI and most others in the details; Moonshot, Together and Hugging Face's router at the top
    "num_cached_tokens",  # Mistral
    "prompt_cache_hit_tokens",  # DeepSeek
    "cache_read_input_tokens",  # LiteLLM, Bedrock
    "cache_read_tokens",
    "cached_content_token_count",  # Google
)
_CACHE_WRITES = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")


def _cache_read(usage: Json) -> int:
    """Part of the prompt's count, from the first place that tells one: a zero elsewhere may be a filler."""
    return _first_count(usage, _CACHE_READS)


def _cache_write(usage: Json) -> int:
    """Part of the prompt's count, as OpenAI (from GPT-5.6 on), OpenRouter and Qwen send it."""
    return _first_count(usage, _CACHE_WRITES)


_LIFETIMES = ("cache_creation", "cache_creation_token_details")
"""Anthropic's own object, and LiteLLM's, in the details."""


def _written_for_an_hour(usage: Json) -> int:
    """Part of what was written to the cache, as gateways in front of Claude pass it on."""
    places = (*(object_field(usage, details) for details in _DETAILS if details in usage), usage)
    found = (object_field(place, name) for place in places for name in _LIFETIMES if name in place)
    return next((count for each in found if (count := count_field(each, "ephemeral_1h_input_tokens"))), 0)


def _first_count(usage: Json, names: tuple[str, ...]) -> int:
    places = (*(object_field(usage, details) for details in _DETAILS if details in usage), usage)
    return next((count for place in places for name in names if (count := count_field(place, name))), 0)
