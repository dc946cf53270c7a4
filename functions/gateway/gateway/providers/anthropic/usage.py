"""Reads Anthropic's token counters: `input_tokens` excludes what was read from the cache or written to it.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
"""

from gateway.domain.json_text import count_field, object_field
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.stream.deltas import Json


def read_anthropic(usage: Json | None) -> Usage:
    """Anthropic's counters as disjoint classes. A write without a lifetime counts as one of five minutes.

    A prompt count without an output count (a stream that broke off) is ESTIMATED, with an output of 0.
    """
    if usage is None:
        return ABSENT
    fresh, output_count = count_field(usage, "input_tokens"), count_field(usage, "output_tokens")
    if fresh is None:
        return ABSENT
    output = output_count or 0
    by_lifetime = object_field(usage, "cache_creation")
    write_1h = count_field(by_lifetime, "ephemeral_1h_input_tokens") or 0
    write_5m = count_field(by_lifetime, "ephemeral_5m_input_tokens") or 0
    written = count_field(usage, "cache_creation_input_tokens") or 0
    thought = count_field(object_field(usage, "output_tokens_details"), "thinking_tokens") or 0
    return Usage(
        UsageSource.ESTIMATED if output_count is None else UsageSource.PROVIDER,
        Tokens(
            fresh_input=fresh,
            output=output,
            cache_read=count_field(usage, "cache_read_input_tokens") or 0,
            cache_write_5m=max(write_5m, written - write_1h),
            cache_write_1h=write_1h,
            reasoning=min(output, thought),
            searches=count_field(object_field(usage, "server_tool_use"), "web_search_requests") or 0,
        ),
    )


def with_openai_counters(usage: Json) -> dict[str, object]:
    """Anthropic's usage object, OpenAI's counters added before its own where it has both prompt and output."""
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
