"""Anthropic's token counters: `input_tokens` leaves out what was read from the cache and what was written to it.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
"""

from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.stream.deltas import Json


def read_anthropic(usage: Json | None) -> Usage:
    """Anthropic's counters as disjoint classes. A write whose lifetime is not told is one of five minutes.

    A prompt without an output, as a stream tells it that breaks off, is ESTIMATED with an output of 0.
    """
    if usage is None:
        return ABSENT
    fresh, told_output = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if fresh is None:
        return ABSENT
    output = told_output or 0
    by_lifetime = _object(usage, "cache_creation")
    write_1h = _count(by_lifetime, "ephemeral_1h_input_tokens") or 0
    write_5m = _count(by_lifetime, "ephemeral_5m_input_tokens") or 0
    written = _count(usage, "cache_creation_input_tokens") or 0
    thought = _count(_object(usage, "output_tokens_details"), "thinking_tokens") or 0
    return Usage(
        UsageSource.ESTIMATED if told_output is None else UsageSource.PROVIDER,
        Tokens(
            fresh_input=fresh,
            output=output,
            cache_read=_count(usage, "cache_read_input_tokens") or 0,
            cache_write_5m=max(write_5m, written - write_1h),
            cache_write_1h=write_1h,
            reasoning=min(output, thought),
        ),
    )


def with_openai_counters(usage: Json) -> dict[str, object]:
    """Anthropic's usage object with OpenAI's counters before its own, where prompt and output can be read from it."""
    read = read_anthropic(usage)
    tokens = read.tokens
    if tokens is None or read.source is not UsageSource.PROVIDER:
        return dict(usage)
    openai: dict[str, object] = {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.prompt + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }
    return openai | dict(usage)


def _object(usage: Json, name: str) -> Json:
    found = usage.get(name)
    return found if isinstance(found, dict) else {}


def _count(counters: Json, name: str) -> int | None:
    value = counters.get(name)
    return value if isinstance(value, int) and value >= 0 else None
