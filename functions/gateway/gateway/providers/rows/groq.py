"""Groq.

Answers 400 to `logprobs`, `top_logprobs`, `logit_bias`, a name in a message, and any `n` but 1. Usage also comes in
`x_groq.usage`, with the times for queue, prompt and completion.
https://console.groq.com/docs/structured-outputs · https://console.groq.com/docs/openai · https://console.groq.com/docs/api-reference
"""

import re
from dataclasses import replace

from gateway.domain.codec import Draft
from gateway.providers.histories.refusals import ImageRule
from gateway.providers.histories.rules import EVERY_ROLE, OPEN_MODELS
from gateway.providers.paths import served_under
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import ask_for_one_choice
from gateway.providers.schema_as_text import send_schema_as_text

_KNOWS_SCHEMAS = re.compile(r"gpt-oss|kimi-k2|llama-4")
_KNOWS_NO_SCHEMAS = re.compile(r"llama-?3|llama3|gemma|mixtral|qwen|deepseek-r1|mistral-saba|allam")


def fit_schema(body: Draft) -> None:
    """Sends a schema as a system message to models that take `json_object` only."""
    if _KNOWS_NO_SCHEMAS.search(body.model) and not _KNOWS_SCHEMAS.search(body.model):
        send_schema_as_text(body)


GROQ = Provider(
    "groq",
    "https://api.groq.com/openai/v1",
    hosts=("api.groq.com",),
    home_path=served_under("/openai/v1"),
    models=("llama-", "meta-llama/llama-4-"),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "n", "seed", "user", "metadata", "store", "service_tier"),
        *("frequency_penalty", "presence_penalty", "parallel_tool_calls", "functions", "function_call"),
        *("reasoning_effort", "reasoning_format", "include_reasoning", "disable_tool_validation"),
        *("documents", "citation_options", "search_settings", "compound_custom"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"function_call", "reasoning"},
    refuses=replace(
        OPEN_MODELS,
        functions=True,
        parts=frozenset({"text", "image_url", "document"}),
        images=ImageRule(),
        joined_roles=EVERY_ROLE,
    ),
    repairs=(ask_for_one_choice, fit_schema),
)
