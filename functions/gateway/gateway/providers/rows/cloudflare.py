"""Cloudflare Workers AI.

Each account has its own URL, `…/accounts/<account>/ai/v1`. Content that is null or an array answers 400
`Bad input`; tools work with some models only. Errors come as `errors: [{code, message}]`.
https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/
"""

from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import Renamed, flatten_content, send_developer_as_system

CLOUDFLARE = Provider(
    "cloudflare",
    hosts=("api.cloudflare.com",),
    models=("@cf/", "@hf/"),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "seed", "top_k", "repetition_penalty"),
        *("frequency_penalty", "presence_penalty", "lora", "raw"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name"},
    repairs=(Renamed("max_completion_tokens", "max_tokens"), send_developer_as_system, flatten_content),
)
