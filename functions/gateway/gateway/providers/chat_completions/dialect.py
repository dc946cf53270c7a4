"""Requests of Chat Completions as OpenAI documents them: the first steps for every provider."""

from gateway.domain.call import Chat
from gateway.domain.codec import Draft
from gateway.domain.json_text import write_json

_NEEDS_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
_NEEDS_FUNCTIONS = ("functions", "function_call")
_LIMITS = ("max_tokens", "max_completion_tokens")


def draft(chat: Chat, model: str, url: str = "") -> Draft:
    """The caller's body as a draft, without fields that no provider takes."""
    body = Draft(model, {"model": model, "messages": list(chat.messages)} | dict(chat.others), url=url)
    if chat.streamed:
        body.fields["stream"] = True
    body.drop("elevenlabs_extra_body")
    if not body.fields.get("tools"):  # providers refuse an empty list, and a tool choice without tools
        for name in _NEEDS_TOOLS:
            body.drop(name)
    if not body.fields.get("functions"):
        for name in _NEEDS_FUNCTIONS:
            body.drop(name)
    if not body.fields.get("logprobs"):
        body.drop("top_logprobs")
    for name in _LIMITS:
        if name in body.fields and _is_unset(body.fields[name]):
            body.drop(name)
    return body


def name_user(body: Draft, *, is_accepted: bool) -> None:
    """Send ElevenLabs' `user_id` as `user`, where the provider takes `user` and the caller sent none."""
    user = body.fields.get("user_id")
    if is_accepted and isinstance(user, str) and user and body.fields.get("user") is None:
        body.fields.pop("user", None)
        del body.fields["user_id"]
        body.set("user", user, "sent user_id as user")
    else:
        body.drop("user_id")


def ask_for_usage(body: Draft, *, streamed: bool, may_ask: bool) -> None:
    """Ask for a stream's usage, whether or not the caller did; elsewhere leave the options out."""
    options = body.fields.get("stream_options")
    if streamed and may_ask:
        asked = (options if isinstance(options, dict) else {}) | {"include_usage": True}
        if asked != options:
            body.set("stream_options", asked)
    else:
        body.drop("stream_options")


def serialise(body: Draft) -> bytes:
    """The body's bytes."""
    return write_json(body.fields)


def _is_unset(limit: object) -> bool:
    """ElevenLabs sends -1 for "no limit", which providers refuse."""
    return limit is None or (isinstance(limit, int | float) and limit <= 0)
