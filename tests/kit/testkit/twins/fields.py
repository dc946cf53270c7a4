"""Names of request fields, by the provider that documents them."""

CHAT_FIELDS = frozenset(
    """
    model messages stream stream_options temperature top_p max_tokens max_completion_tokens stop tools tool_choice
    parallel_tool_calls response_format seed user n
    """.split()  # noqa: SIM905 - a paragraph of names reads better than a column
)
"""What most providers document."""

OPENAI_FIELDS = CHAT_FIELDS | frozenset(
    """
    audio frequency_penalty function_call functions logit_bias logprobs metadata modalities prediction presence_penalty
    moderation prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort safety_identifier
    service_tier store top_logprobs verbosity web_search_options
    """.split()  # noqa: SIM905
)
"""OpenAI's own."""

MISTRAL_FIELDS = frozenset(
    """
    model messages stream temperature top_p max_tokens stop tools tool_choice parallel_tool_calls response_format
    random_seed n metadata frequency_penalty presence_penalty prediction prompt_mode safe_prompt reasoning_effort
    prompt_cache_key
    """.split()  # noqa: SIM905
)
"""Mistral's, all of them."""

MESSAGE_FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id"})
"""What every provider takes in a message."""
