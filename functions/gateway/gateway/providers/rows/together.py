"""Together AI.

Model names carry their owner (`meta-llama/Llama-3.3-70B-Instruct-Turbo`); OpenAI's own answer 404.
https://docs.together.ai/reference/chat-completions-1 · https://docs.together.ai/docs/serverless/geo-specific-inference
"""

from dataclasses import replace

from gateway.providers.histories.rules import EVERY_ROLE, OPEN_MODELS, USERS
from gateway.providers.hosts import region_in
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import Renamed, send_developer_as_system

TOGETHER = Provider(
    "together",
    "https://api.together.xyz/v1",
    hosts=("api.together.xyz", "api.together.ai", "us-api.together.ai", "ca-api.together.ai"),
    models=("meta-llama/Llama-", "meta-llama/Meta-Llama-", "mistralai/", "deepseek-ai/"),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "n", "seed", "top_k", "min_p", "repetition_penalty"),
        *("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "echo", "function_call"),
        *("reasoning", "reasoning_effort", "chat_template_kwargs", "context_length_exceeded_behavior"),
        *("safety_model", "compliance"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "function_call", "reasoning"},
    refuses=replace(OPEN_MODELS, functions=True, joined_roles=EVERY_ROLE - USERS),
    repairs=(Renamed("max_completion_tokens", "max_tokens"), send_developer_as_system),
    region_of=region_in(r"(us|ca)-api\.together\.ai"),
)
