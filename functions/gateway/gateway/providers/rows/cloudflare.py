"""Cloudflare Workers AI.

Each account has its own URL, `…/accounts/<account>/ai/v1`. Content that is null or an array answers 400
`Bad input`; tools work with some models only. Errors come as `errors: [{code, message}]`.
https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/
"""

import re
from dataclasses import replace

from gateway.providers.histories.rules import EVERY_ROLE, OPEN_MODELS
from gateway.providers.paths import ENDPOINT, completions_path, tidy
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import Renamed, send_developer_as_system


def _home_path(_host: str, path: str) -> str:
    """An account's path is completed with `/ai/v1`: the `v4` before it is not the version of this API."""
    trimmed = tidy(path)
    base = re.fullmatch(r"(.*/accounts/[^/]+)(/ai)?", trimmed)
    return f"{base[1]}/ai/v1{ENDPOINT}" if base else completions_path(trimmed)


CLOUDFLARE = Provider(
    "cloudflare",
    hosts=("api.cloudflare.com",),
    home_path=_home_path,
    models=("@cf/", "@hf/"),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "seed", "top_k", "repetition_penalty"),
        *("frequency_penalty", "presence_penalty", "lora", "raw"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name"},
    refuses=replace(OPEN_MODELS, functions=True, null_content=True, parts=frozenset({"text"}), joined_roles=EVERY_ROLE),
    repairs=(Renamed("max_completion_tokens", "max_tokens"), send_developer_as_system),
)
