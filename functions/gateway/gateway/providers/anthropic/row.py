"""Anthropic: its own Messages API, and its compatibility layer for Chat Completions.

A Claude model named without a URL, and a call with `x-inference-provider: anthropic`, go to the Messages API, because
the layer does not cache prompts. A provider URL of Anthropic's without a provider name means the layer.

What is translated for the Messages API, beside fields that have a direct counterpart:

- Leading system messages are the system prompt. Later ones keep their place, as text marked `<system>` of a user turn:
  not every model takes them there, and a changed system prompt would lose the cache of all that follows it.
- Turns alternate and begin and end with the user; a missing user turn is sent as `...`. The turn after a tool call
  holds its result, `The tool gave no result.` where the history has none.
- The last tool, the last system block and the end of the last earlier turn are marked for the prompt cache.
- `max_tokens` defaults to 4,096 before Claude 4, 16,384 for models that think by default, 8,192 for all others.
- A higher `max_tokens` than a model before Claude 4.6 documents is lowered to its limit.
- `response_format: json_schema` becomes `output_config.format` from Claude 4.5 on, and a tool's `strict` is kept there;
  both schemas are reduced to the documented subset.
- `user` is sent as a hash, since Anthropic refuses ids that look like an address or a telephone number.
- `reasoning_effort` becomes `output_config.effort` from Claude 4.6 on; `none` disables thinking where that is possible.

https://platform.claude.com/docs/en/api/messages · https://platform.claude.com/docs/en/api/openai-sdk
"""

import re

from gateway.domain.codec import Draft
from gateway.providers.anthropic.request import ACCEPTED, limit_output, limit_sampling, write
from gateway.providers.anthropic.stream import AnthropicReader
from gateway.providers.anthropic.turns import READ_FIELDS
from gateway.providers.anthropic.usage import read_anthropic
from gateway.providers.anthropic.whole import read_message
from gateway.providers.claude_models import claude
from gateway.providers.histories.refusals import Empty, ImageRule, NameRule, Refusals, always
from gateway.providers.histories.rules import ANTHROPIC_IDS, CACHE_MARK, USERS
from gateway.providers.paths import tidy
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import ask_for_one_choice, begin_with_user, end_with_user

_HOST = "api.anthropic.com"
_NAMES = NameRule(longest=128)

ALIASES = {
    "claude-sonnet-4": "claude-sonnet-4-0",
    "claude-opus-4": "claude-opus-4-0",
    "claude-3-7-sonnet": "claude-3-7-sonnet-latest",
    "claude-3-5-sonnet": "claude-3-5-sonnet-latest",
    "claude-3-5-sonnet-v1": "claude-3-5-sonnet-20240620",
    "claude-3-5-haiku": "claude-3-5-haiku-latest",
    "claude-3-0-haiku": "claude-3-haiku-20240307",
}
"""ElevenLabs' names of models, and Anthropic's: https://platform.claude.com/docs/en/about-claude/models/overview."""


def messages_path(path: str) -> str:
    """The path of calls under a provider URL's path: `/messages` of its version, `/v1/messages` where it has none."""
    trimmed = tidy(path)
    if trimmed.endswith("/messages"):
        return trimmed
    trimmed = trimmed.removesuffix("/chat/completions")
    # A gateway in front may have a version of its own before the provider's name: `/v1/<account>/<gateway>/anthropic`.
    below_name = trimmed.rpartition("/anthropic")[2].split("/")
    is_versioned = any(re.fullmatch(r"v\d+", segment) for segment in below_name)
    return trimmed + ("/messages" if is_versioned else "/v1/messages")


def end_with_user_where_refused(body: Draft) -> None:
    """Appends a short user turn where the model refuses to continue the assistant's, or there is no other turn.

    The layer moves system messages to the front: what is last without them counts.
    """
    is_only_system = all(message.get("role") in {"system", "developer"} for message in body.messages)
    if is_only_system or not claude(body.model).takes_prefill:
        end_with_user(body)


OPENAI_LAYER = Provider(
    "anthropic",
    f"https://{_HOST}/v1",
    (_HOST,),
    dialect="anthropic-openai",
    aliases=ALIASES,
    # It documents further fields that it accepts and ignores.
    accepts=CORE | {"max_tokens", "max_completion_tokens", "parallel_tool_calls", "n", "functions", "function_call"},
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "function_call"},
    refuses=Refusals(
        empty=Empty.BLANK,
        open_schemas=True,
        foreign_fields=True,
        part_fields=CACHE_MARK,
        tool_fields=CACHE_MARK,
        parts=frozenset({"text", "image_url"}),
        media_roles=USERS,
        images=ImageRule(),
        tool_names=_NAMES,
        sender_names=NameRule(),
        call_ids=ANTHROPIC_IDS,
    ),
    repairs=(ask_for_one_choice, limit_sampling, limit_output, begin_with_user, end_with_user_where_refused),
    may_tag_reasoning=False,
)

NATIVE = Provider(
    "anthropic",
    f"https://{_HOST}",
    hosts=(_HOST,),
    models=("claude-",),
    aliases=ALIASES,
    path=messages_path,
    path_ending="/messages",
    key_headers=lambda key: {"x-api-key": key},
    headers={"anthropic-version": "2023-06-01"},
    accepts=ACCEPTED,
    accepts_in_messages=READ_FIELDS,
    refuses=Refusals(
        functions=True,
        parts=frozenset({"text", "image_url"}),
        media_roles=frozenset({"user", "tool", "function"}),
        images=ImageRule(schemes=frozenset({"https"})),
        later_system=always,
        tool_names=_NAMES,
        call_ids=ANTHROPIC_IDS,
    ),
    write=write,
    reader_class=AnthropicReader,
    read_whole=read_message,
    read_usage=read_anthropic,
)
