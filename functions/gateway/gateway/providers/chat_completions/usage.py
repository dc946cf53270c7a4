"""Reads usage objects of Chat Completions into disjoint token classes.

Usage whose prompt or completion count is missing is ABSENT, never 0.
"""

from collections.abc import Callable
from dataclasses import replace

from gateway.domain.json_text import count_field, object_field
from gateway.providers.chat_completions.modalities import split
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


def _read(usage: Json | None, output_of: Callable[[Json], int]) -> Usage:
    if usage is None or (prompt := _count_or_rest(usage, "prompt_tokens", "completion_tokens")) is None:
        return ABSENT
    if (output_count := _count_or_rest(usage, "completion_tokens", "prompt_tokens")) is None:
        return ABSENT
    output = max(output_count, output_of(usage))
    reasoning = max(_reasoning(usage), output - _completion(usage))
    read, written = _cache_read(usage), _cache_write(usage)
    tokens = split(usage, prompt, output, read=read, written=written, reasoning=reasoning)
    return Usage(UsageSource.PROVIDER, replace(tokens, searches=_searches(usage)))


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


def _first_count(usage: Json, names: tuple[str, ...]) -> int:
    places = (*(object_field(usage, details) for details in _DETAILS if details in usage), usage)
    return next((count for place in places for name in names if (count := count_field(place, name))), 0)
