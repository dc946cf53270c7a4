"""Anthropic: its own Messages API, and its layer that speaks Chat Completions.

The layer caches no prompt, so a Claude model named without a URL goes to the Messages API. It is also what
`x-inference-provider: anthropic` names; the host alone, with a chat completion, means the layer.

What is translated for the Messages API, beside the plain counterparts:

- Leading system messages are the system prompt. Later ones stay where they are, as text marked `<system>` of a user
  turn: not every model takes them there, and a changed system prompt would lose the cache of all that follows it.
- Turns alternate and begin and end with the user, who is silent (`...`) where nobody spoke. Each tool call is answered
  by the very next turn, with `The tool gave no result.` where the history has none.
- The last tool, the last system block and the end of the last earlier turn are marked for the prompt cache.
- `max_tokens` is 4,096 before Claude 4, 16,384 for models that think unasked, 8,192 for all others, where none is set.
- `user` is sent as a hash, since Anthropic refuses ids that look like an address or a telephone number.
- `reasoning_effort` becomes `output_config.effort` from Claude 4.6 on; `none` stops thinking where that is possible.

https://platform.claude.com/docs/en/api/messages · https://platform.claude.com/docs/en/api/openai-sdk
"""

import re

from gateway.domain.codec import Draft
from gateway.providers.anthropic.request import ACCEPTED, limit_sampling, write
from gateway.providers.anthropic.stream import AnthropicReader
from gateway.providers.anthropic.usage import read_anthropic
from gateway.providers.anthropic.whole import read_message
from gateway.providers.claude_models import claude
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import ask_for_one_choice, begin_with_user, end_with_user

_HOST = "api.anthropic.com"


def messages_path(path: str) -> str:
    """Where under a provider URL's path the calls go, however it was pasted: to `/messages` of a version."""
    trimmed = re.sub("/{2,}", "/", path).rstrip("/")
    if trimmed.endswith("/messages"):
        return trimmed
    trimmed = trimmed.removesuffix("/chat/completions")
    is_versioned = any(re.fullmatch(r"v\d+", segment) for segment in trimmed.split("/"))
    return trimmed + ("/messages" if is_versioned else "/v1/messages")


def end_with_user_where_refused(body: Draft) -> None:
    """Appends a short user turn where the model would not go on from the assistant's, or there is no turn at all.

    The layer hoists system messages, wherever they stand: what is last without them counts.
    """
    is_only_system = all(message.get("role") in {"system", "developer"} for message in body.messages)
    if is_only_system or not claude(body.model).takes_prefill:
        end_with_user(body)


OPENAI_LAYER = Provider(
    "anthropic",
    f"https://{_HOST}/v1",
    (_HOST,),
    dialect="anthropic-openai",
    # It documents more than this as taken and ignored.
    accepts=CORE | {"max_tokens", "max_completion_tokens", "parallel_tool_calls", "n", "functions", "function_call"},
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "function_call"},
    repairs=(ask_for_one_choice, limit_sampling, begin_with_user, end_with_user_where_refused),
    thinks_aloud=False,
)

NATIVE = Provider(
    "anthropic",
    f"https://{_HOST}",
    models=("claude-",),
    path=messages_path,
    key_headers=lambda key: {"x-api-key": key},
    headers={"anthropic-version": "2023-06-01"},
    accepts=ACCEPTED,
    write=write,
    new_reader=AnthropicReader,
    read_whole=read_message,
    read_usage=read_anthropic,
)
