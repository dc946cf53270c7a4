"""Cerebras.

Answers 400 to the penalties, `logit_bias`, `parallel_tool_calls` and `service_tier`; takes a temperature up to 1.5 and
has no `developer` role.
https://inference-docs.cerebras.ai/resources/openai · https://inference-docs.cerebras.ai/api-reference/chat-completions
"""

from dataclasses import replace

from gateway.providers.chat_completions.error_bodies import read_flat
from gateway.providers.histories.rules import EVERY_ROLE, OPEN_MODELS
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import Capped, Renamed, send_developer_as_system

CEREBRAS = Provider(
    "cerebras",
    "https://api.cerebras.ai/v1",
    hosts=("api.cerebras.ai",),
    models=("llama3.", "llama-4-scout-17b-16e"),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "seed", "user", "logprobs", "top_logprobs", "prediction"),
        *("reasoning_effort", "reasoning_format", "disable_reasoning", "clear_thinking"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "reasoning"},
    refuses=replace(OPEN_MODELS, functions=True, joined_roles=EVERY_ROLE),
    repairs=(Renamed("max_tokens", "max_completion_tokens"), Capped("temperature", 1.5), send_developer_as_system),
    read_error=read_flat,
)
