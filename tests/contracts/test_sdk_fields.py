"""The rows' allow-lists follow the providers' own SDKs: a field that one of them knows is sent, or left out knowingly.

A new version of an SDK that knows more fails here, and names them: accept each in its row, or say here why not.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import groq.types.chat as groq_chat
import openai.types.chat as openai_chat
import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from cerebras.cloud.sdk.types.chat import completion_create_params as cerebras_chat
from groq.types.chat.completion_create_params import CompletionCreateParams as GroqParams
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from gateway.api.body import read_chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory

FIELDS: Mapping[str, type] = {
    "openai": CompletionCreateParamsStreaming,
    "azure": CompletionCreateParamsStreaming,
    "groq": GroqParams,
    "cerebras": cerebras_chat.CompletionCreateParams,
}

LEFT_OUT = {
    "openai": {},
    "azure": {
        "service_tier": "OpenAI's own: a deployment has its tier",
        "web_search_options": "OpenAI's own: Azure has no such models",
    },
    "groq": {
        "logit_bias": "answers 400",
        "logprobs": "answers 400",
        "top_logprobs": "answers 400",
        "include_domains": "deprecated: `search_settings` passes",
        "exclude_domains": "deprecated: `search_settings` passes",
    },
    "cerebras": {
        "cf_ray": "a header",
        "x_amz_cf_id": "a header",
        "x_delay_time": "a header",
    },
}
"""Fields that are known and not sent, by row, and why."""

UNDECIDED: dict[str, set[str]] = {"openai": set(), "azure": set(), "groq": set(), "cerebras": set()}
"""Fields that the SDK knows and the row does not yet. One that the row accepts must leave this list."""


def known_to(params: type) -> set[str]:
    """The fields of a typed dictionary."""
    return set(params.__annotations__)


@pytest.mark.parametrize("dialect", FIELDS)
def test_a_row_accepts_what_its_sdk_knows(dialect: str) -> None:
    accepted = table.by_dialect(dialect).accepts
    assert accepted is not None
    new = known_to(FIELDS[dialect]) - accepted - LEFT_OUT[dialect].keys()
    assert new == UNDECIDED[dialect], "accept them in the row, or say in LEFT_OUT why not"


@pytest.mark.parametrize("dialect", FIELDS)
def test_what_is_left_out_is_known_to_the_sdk(dialect: str) -> None:
    assert LEFT_OUT[dialect].keys() <= known_to(FIELDS[dialect])


MESSAGES: Mapping[str, Iterable[type]] = {
    "openai": get_args(openai_chat.ChatCompletionMessageParam),
    "azure": get_args(openai_chat.ChatCompletionMessageParam),
    "groq": get_args(groq_chat.ChatCompletionMessageParam),
    "cerebras": get_args(cerebras_chat.Message),
}
MESSAGE_FIELDS_LEFT_OUT = {"groq": {"name"}}
"""Groq answers 400 to a name in a message."""


@pytest.mark.parametrize("dialect", MESSAGES)
def test_a_row_accepts_in_messages_what_its_sdk_knows(dialect: str) -> None:
    accepted = table.by_dialect(dialect).accepts_in_messages
    assert accepted is not None
    known = set[str]().union(*map(known_to, MESSAGES[dialect]))
    assert known, "the SDK names its messages otherwise now"
    assert known - accepted == MESSAGE_FIELDS_LEFT_OUT.get(dialect, set())


NOT_WRITTEN = {
    "cache_control": "parts of the request are marked themselves",
    "container": "for code that Anthropic runs",
    "diagnostics": "no counterpart",
    "inference_geo": "no counterpart",
    "service_tier": "OpenAI's tiers have other names",
    "speed": "no counterpart",
    "user_profile_id": "no counterpart",
    "workspace_id": "no counterpart: the key has its workspace",
}
"""Fields of Anthropic's Messages that no field of a chat completion is translated into, and why."""


def written(model: str, **fields: Any) -> set[str]:
    """The fields of the Messages request that a chat completion becomes."""
    messages = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    given = {"tools": tools, "tool_choice": "required", "stop": ["x"], "user": "u", "stream": True}
    chat = read_chat(json.dumps({"model": model, "messages": messages} | given | fields).encode())
    body, _ = table.by_dialect("anthropic").encode(chat, model, SignatureMemory(Clock()))
    return set(json.loads(body))


def test_every_field_of_anthropics_messages_is_written_or_left_out_on_purpose() -> None:
    every = written("claude-opus-4-6", reasoning_effort="high") | written("claude-sonnet-5", reasoning_effort="none")
    new = known_to(MessageCreateParamsStreaming) - every - NOT_WRITTEN.keys()
    assert new == set(), "translate them, or say in NOT_WRITTEN why not"
    assert not NOT_WRITTEN.keys() & every
