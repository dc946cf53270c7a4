"""Mistral.

Answers 422 `extra_forbidden` to an unknown field, in messages and tools too. Roles have an order: instructions and user
turns may not directly follow a tool's result, nor instructions an assistant's turn, and the last turn is the user's or
a tool's. Tool-call ids are nine letters or digits; an assistant's message is never empty. `seed` is called
`random_seed`. Usage comes in the last chunk without being asked for; cached tokens in `prompt_tokens_details`.
https://docs.mistral.ai/api/endpoint/chat · https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching
https://github.com/mistralai/mistral-common (the order of roles, the ids)
"""

import hashlib
import re
from collections.abc import Mapping

from gateway.domain.codec import Draft
from gateway.providers.chat_completions.error_bodies import read_detail
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import SILENCE, Capped, Renamed, end_with_user, send_developer_as_system
from switchboard.stream.deltas import Json

_TOOL_FIELDS = frozenset({"type", "function"})
_FUNCTION_FIELDS = frozenset({"name", "description", "parameters", "strict"})
_ID = re.compile(r"[a-zA-Z0-9]{9}")
_ID_CHARACTERS = 9


def keep_tool_fields(body: Draft) -> None:
    """Leaves out fields of tools that Mistral does not take."""
    tools = body.fields.get("tools")
    if isinstance(tools, list):
        kept = [_kept_tool(tool) for tool in tools]
        if kept != tools:
            body.fields["tools"] = kept
            body.note("left out fields of tools")


def keep_roles_in_order(body: Draft) -> None:
    """Sends instructions after an answer or a tool's result as the user's; puts an answer between tool and user."""
    ordered: list[Json] = []
    for message in body.messages:
        before = ordered[-1].get("role") if ordered else None
        if message.get("role") == "system" and before in ("assistant", "tool"):
            message = {**message, "role": "user"}  # noqa: PLW2901 - the message as it is sent
            body.note("sent later system messages as the user's")
        if message.get("role") == "user" and before == "tool":
            ordered.append({"role": "assistant", "content": SILENCE})
            body.note("put a short answer between a tool's result and a user turn")
        ordered.append(message)
    body.fields["messages"] = ordered


def fill_empty_answers(body: Draft) -> None:
    """Gives an assistant's message without content and without tool calls a short content."""

    def fill(message: Json) -> Json:
        is_empty = not message.get("content") and not message.get("tool_calls")
        return {**message, "content": SILENCE} if message.get("role") == "assistant" and is_empty else message

    body.rewrite_messages(fill, "filled an empty answer")


def shorten_tool_call_ids(body: Draft) -> None:
    """Sends tool-call ids of another form as nine hexadecimal digits, the same for call and result."""

    def shorten(message: Json) -> Json:
        changed = dict(_with_short_id(message, "tool_call_id"))
        if isinstance(calls := message.get("tool_calls"), list):
            changed["tool_calls"] = [_with_short_id(call, "id") for call in calls]
        return changed if changed != message else message

    body.rewrite_messages(shorten, "shortened tool-call ids")


def _kept_tool(tool: object) -> object:
    if not isinstance(tool, dict):
        return tool
    kept = {name: value for name, value in tool.items() if name in _TOOL_FIELDS}
    if isinstance(function := kept.get("function"), dict):
        kept["function"] = {name: value for name, value in function.items() if name in _FUNCTION_FIELDS}
    return kept


def _with_short_id[T](holder: T, name: str) -> T | Mapping[str, object]:
    found = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or not isinstance(found, str) or _ID.fullmatch(found):
        return holder
    return {**holder, name: hashlib.sha256(found.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_CHARACTERS]}


MISTRAL = Provider(
    "mistral",
    "https://api.mistral.ai/v1",
    hosts=("api.mistral.ai",),
    models=("mistral-", "ministral-", "magistral-", "codestral-", "pixtral-", "open-mistral-", "open-mixtral-"),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "n", "seed", "random_seed", "frequency_penalty", "presence_penalty"),
        *("parallel_tool_calls", "prediction", "prompt_mode", "reasoning_effort", "safe_prompt"),
        *("prompt_cache_key", "metadata"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"prefix"},
    repairs=(
        Renamed("max_completion_tokens", "max_tokens"),
        Renamed("seed", "random_seed"),
        Capped("temperature", 1.5),
        keep_tool_fields,
        send_developer_as_system,
        fill_empty_answers,
        keep_roles_in_order,
        end_with_user,
        shorten_tool_call_ids,
    ),
    takes_stream_options=False,
    read_error=read_detail,
)
