"""Cerebras.

Takes a temperature up to 1.5 and has no `developer` role. The fields are those of the newest SDK:
https://github.com/Cerebras/cerebras-cloud-sdk-python (some models answer 400 to some of them).
https://inference-docs.cerebras.ai/resources/openai · https://inference-docs.cerebras.ai/api-reference/chat-completions
"""

from dataclasses import replace

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
        *("frequency_penalty", "presence_penalty", "logit_bias", "n", "parallel_tool_calls", "service_tier"),
        *("prompt_cache_key", "model_parameters", "min_tokens", "min_completion_tokens"),
        *("reasoning_effort", "reasoning_format", "disable_reasoning", "clear_thinking"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "reasoning"},
    refuses=replace(OPEN_MODELS, functions=True, joined_roles=EVERY_ROLE),
    repairs=(Renamed("max_tokens", "max_completion_tokens"), Capped("temperature", 1.5), send_developer_as_system),
)
