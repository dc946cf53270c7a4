"""DeepSeek.

Answers 422 to parameters that it cannot use, 402 when the balance is empty. Cached tokens come as
`prompt_cache_hit_tokens` and `prompt_cache_miss_tokens`. A thinking model needs the reasoning of a turn that called
tools sent back as `reasoning_content`, so that message field is accepted.
https://api-docs.deepseek.com/api/create-chat-completion
"""

from dataclasses import replace

from gateway.providers.histories.rules import EVERY_ROLE, OPEN_MODELS
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import Renamed, send_developer_as_system

DEEPSEEK = Provider(
    "deepseek",
    "https://api.deepseek.com",
    hosts=("api.deepseek.com",),
    models=("deepseek-",),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty"),
        *("logprobs", "top_logprobs", "thinking", "reasoning_effort"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "prefix", "reasoning_content"},
    refuses=replace(OPEN_MODELS, functions=True, parts=frozenset({"text"}), joined_roles=EVERY_ROLE),
    may_tag_reasoning=False,
    repairs=(Renamed("max_completion_tokens", "max_tokens"), send_developer_as_system),
)
