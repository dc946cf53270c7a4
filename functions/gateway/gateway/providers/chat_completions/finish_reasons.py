"""Maps providers' finish reasons to the five of OpenAI's that strict clients know."""

KNOWN = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})

_MEANINGS = {
    "length": ("max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded", "max_length"),
    "tool_calls": ("tool_use", "tool_call", "function_calls"),
    "content_filter": (
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "refusal",
        "guardrail_intervened",
        "content_filtered",
        "sensitive",
    ),
}
_BY_NAME = {name: meaning for meaning, names in _MEANINGS.items() for name in names}


def normal(reason: str) -> str:
    """OpenAI's finish reason for a provider's; `stop` for an unknown one (`eos`, `end_turn`, …)."""
    lowered = reason.lower()
    return lowered if lowered in KNOWN else _BY_NAME.get(lowered, "stop")
