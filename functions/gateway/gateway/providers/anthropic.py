"""Anthropic: its own Messages API, and its layer that speaks Chat Completions.

The layer caches no prompt, so a Claude model named without a URL goes to the Messages API. It is also what
`x-inference-provider: anthropic` names; the host alone, with a chat completion, means the layer.
https://platform.claude.com/docs/en/api/messages · https://platform.claude.com/docs/en/api/openai-sdk
"""

import re

from gateway.providers.anthropic_content import SILENCE
from gateway.providers.anthropic_models import claude
from gateway.providers.anthropic_request import ACCEPTED, limit_sampling, translate
from gateway.providers.anthropic_stream import AnthropicReader
from gateway.providers.anthropic_usage import read_anthropic
from gateway.providers.anthropic_whole import read_message
from gateway.providers.codec import Draft
from gateway.providers.provider import Provider

_HOST = "api.anthropic.com"
_NOT_CONVERSATION = frozenset({"system", "developer"})


def messages_path(path: str) -> str:
    """Where under a provider URL's path the calls go, however it was pasted: to `/messages` of a version."""
    trimmed = re.sub("/{2,}", "/", path).rstrip("/")
    if trimmed.endswith("/messages"):
        return trimmed
    trimmed = trimmed.removesuffix("/chat/completions")
    is_versioned = any(re.fullmatch(r"v\d+", segment) for segment in trimmed.split("/"))
    return trimmed + ("/messages" if is_versioned else "/v1/messages")


def have_a_user_begin(body: Draft) -> None:
    """Put a user turn before a greeting, and into a history that has nothing but a system prompt."""
    roles = [message.get("role") for message in body.messages]
    first = next((place for place, role in enumerate(roles) if role not in _NOT_CONVERSATION), len(roles))
    if first == len(roles) or roles[first] == "assistant":
        body.say("added a user turn before the first assistant turn")
        body.fields["messages"] = [*body.messages[:first], _silence(), *body.messages[first:]]


def have_the_user_end(body: Draft) -> None:
    """Put a user turn after a last assistant turn where the model would refuse to go on from it."""
    if body.messages and body.messages[-1].get("role") == "assistant" and not claude(body.model).takes_prefill:
        body.say("added a user turn at the end")
        body.fields["messages"] = [*body.messages, _silence()]


def ask_for_one_choice(body: Draft) -> None:
    """`n` may only be 1."""
    if body.fields.get("n", 1) != 1:
        body.drop("n")


def _silence() -> dict[str, object]:
    return {"role": "user", "content": SILENCE}


OPENAI_LAYER = Provider(
    "anthropic",
    f"https://{_HOST}/v1",
    (_HOST,),
    dialect="anthropic-openai",
    accepts=ACCEPTED - {"user", "reasoning_effort"} | {"n", "functions", "function_call"},
    repairs=(ask_for_one_choice, limit_sampling, have_a_user_begin, have_the_user_end),
)

NATIVE = Provider(
    "anthropic",
    f"https://{_HOST}",
    models=("claude-",),
    path=messages_path,
    key_headers=lambda key: {"x-api-key": key},
    headers={"anthropic-version": "2023-06-01"},
    accepts=ACCEPTED,
    repairs=(translate,),
    new_reader=AnthropicReader,
    read_whole=read_message,
    read_usage=read_anthropic,
)
