"""Usage objects of the Chat Completions dialects, read into disjoint token classes.

Absent counts stay absent: what a provider did not say is never turned into 0 for the whole.
"""

from collections.abc import Callable

from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.stream.deltas import Json

type UsageReader = Callable[[Json | None], Usage]
type BillReader = Callable[[Json | None], int | None]
"""Reads what a provider itself says a call cost, in pico-dollars."""


def read_openai(usage: Json | None) -> Usage:
    """OpenAI's counters: cached tokens lie within the prompt's, reasoning within the completion's."""
    return _read(usage, _completion)


def read_reasoning_outside(usage: Json | None) -> Usage:
    """xAI's: the completion's count leaves reasoning out, and both are billed."""
    return _read(usage, lambda found: _completion(found) + _reasoning(found))


def read_by_total(usage: Json | None) -> Usage:
    """Google's: hidden thinking shows in the total alone, and is billed as output."""

    def output(found: Json) -> int:
        total = _count(found, "total_tokens")
        return max(_completion(found), (total or 0) - (_count(found, "prompt_tokens") or 0))

    return _read(usage, output)


def read_no_bill(_usage: Json | None) -> int | None:
    """None: the provider does not say what a call cost."""
    return None


def _read(usage: Json | None, output_of: Callable[[Json], int]) -> Usage:
    if usage is None or (prompt := _told(usage, "prompt_tokens", "completion_tokens")) is None:
        return ABSENT
    if (told_output := _told(usage, "completion_tokens", "prompt_tokens")) is None:
        return ABSENT
    cache_read = min(prompt, _cache_read(usage))
    cache_write = min(prompt - cache_read, _cache_write(usage))
    output = max(told_output, output_of(usage))
    return Usage(
        UsageSource.PROVIDER,
        Tokens(
            fresh_input=prompt - cache_read - cache_write,
            cache_read=cache_read,
            cache_write_5m=cache_write,
            output=output,
            reasoning=min(output, max(_reasoning(usage), output - _completion(usage))),
        ),
    )


def _told(usage: Json, name: str, other: str) -> int | None:
    """The count itself, or what the total leaves for it."""
    told, total, rest = (_count(usage, key) for key in (name, "total_tokens", other))
    if told is not None or total is None or rest is None:
        return told
    return max(0, total - rest)


def _completion(usage: Json) -> int:
    return _count(usage, "completion_tokens") or 0


def _reasoning(usage: Json) -> int:
    return _count(_details(usage, "completion_tokens_details"), "reasoning_tokens") or 0


def _cache_read(usage: Json) -> int:
    """In OpenAI's place, or DeepSeek's."""
    cached = _count(_details(usage, "prompt_tokens_details"), "cached_tokens")
    return cached if cached is not None else _count(usage, "prompt_cache_hit_tokens") or 0


def _cache_write(usage: Json) -> int:
    """Within the prompt's count, as OpenAI (from GPT-5.6 on) and OpenRouter tell it."""
    return _count(_details(usage, "prompt_tokens_details"), "cache_write_tokens") or 0


def _details(usage: Json, name: str) -> Json:
    found = usage.get(name)
    return found if isinstance(found, dict) else {}


def _count(counters: Json, name: str) -> int | None:
    value = counters.get(name)
    return value if isinstance(value, int) and value >= 0 else None
