"""DeepSeek.

Takes JSON output without a schema: a schema is sent as a system message. Answers 422 to parameters that it cannot use,
402 when the balance is empty. Cached tokens come as `prompt_cache_hit_tokens` and `prompt_cache_miss_tokens`. A
thinking model answers 400 to a turn that called tools without its `reasoning_content`: what was lost is sent as text.
https://api-docs.deepseek.com/api/create-chat-completion · https://api-docs.deepseek.com/guides/thinking_mode
"""

import re
from dataclasses import replace

from gateway.domain.codec import Draft
from gateway.domain.json_text import object_field
from gateway.providers.chat_completions.reasoning_state import send_back_text
from gateway.providers.histories.rules import EVERY_ROLE, OPEN_MODELS
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import Renamed, send_developer_as_system
from gateway.providers.schema_as_text import send_schema_as_text

_THINKS = re.compile(r"deepseek-(?:reasoner|v[4-9])")


def may_think(body: Draft) -> bool:
    """Whether thinking mode is not switched off."""
    asked = object_field(body.fields, "thinking").get("type")
    return asked != "disabled" if asked is not None else body.fields.get("reasoning_effort") != "none"


def thinks(body: Draft) -> bool:
    """Whether the request is in thinking mode: asked for, or the model's default."""
    is_asked = bool(object_field(body.fields, "thinking") or body.fields.get("reasoning_effort"))
    return may_think(body) and (is_asked or _THINKS.search(body.model) is not None)


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
    reasoning_field=send_back_text(may_think, is_required=thinks),
    repairs=(Renamed("max_completion_tokens", "max_tokens"), send_developer_as_system, send_schema_as_text),
)
