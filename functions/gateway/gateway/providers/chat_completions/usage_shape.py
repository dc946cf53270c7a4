"""Completes usage objects for callers and for the bill: strict clients want three counts under OpenAI's names."""

from gateway.domain.json_text import count_field
from switchboard.domain.limits import MAX_TOKENS

type Fields = dict[str, object]

_OTHER_NAMES = (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))
"""OpenAI's Responses API, and gateways before it, name them so."""
_BESIDE_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Anthropic's counts of cached input, which its `input_tokens` leave out."""


def complete_usage(body: Fields) -> bool:
    """Give the body's usage OpenAI's three counts, where they can be told; whether it was changed.

    Usage that is no object becomes null. Counts that are there stay, unless they are whole numbers written as floats.
    """
    usage = body.get("usage")
    if usage is None:
        return False
    if not isinstance(usage, dict):
        body["usage"] = None
        return True
    changed = _write_whole_numbers(usage)
    for name, other in _OTHER_NAMES:
        if name not in usage and (count := count_field(usage, other)) is not None:
            usage[name], changed = count, True
            if name == "prompt_tokens":
                usage[name] = count + sum(count_field(usage, beside) or 0 for beside in _BESIDE_INPUT)
    prompt, output = count_field(usage, "prompt_tokens"), count_field(usage, "completion_tokens")
    if usage.get("total_tokens") is None and prompt is not None and output is not None:
        usage["total_tokens"], changed = prompt + output, True
    return changed


def _write_whole_numbers(usage: Fields) -> bool:
    """JSON writers of Lua and JavaScript may write 9 as 9.0."""
    whole = {
        name: int(value)
        for name, value in usage.items()
        if name.endswith("_tokens") and isinstance(value, float) and 0 <= value <= MAX_TOKENS and value.is_integer()
    }
    usage.update(whole)
    return bool(whole)
