"""The Chat Completions dialect as OpenAI documents it: what every provider's row begins with."""

from pydantic_core import to_json

from gateway.call import Chat
from gateway.providers.codec import Draft

_GATEWAY_ONLY = ("elevenlabs_extra_body", "user_id")
_LIMITS = ("max_tokens", "max_completion_tokens")


def draft(chat: Chat, model: str) -> Draft:
    """The caller's body as a draft, less what no provider takes."""
    body = Draft(model, {"model": model, "messages": list(chat.messages)} | dict(chat.others))
    if chat.streamed:
        body.fields["stream"] = True
    for name in _GATEWAY_ONLY:
        body.drop(name)
    for name in _LIMITS:
        if name in body.fields and _is_unset(body.fields[name]):
            body.drop(name)
    return body


def ask_for_usage(body: Draft, *, streamed: bool, may_ask: bool) -> None:
    """Have a stream's usage sent, whatever the caller wants of it; else leave the options out."""
    options = body.fields.get("stream_options")
    if streamed and may_ask:
        body.fields["stream_options"] = (options if isinstance(options, dict) else {}) | {"include_usage": True}
    else:
        body.drop("stream_options")


def serialise(body: Draft) -> bytes:
    """The body's bytes."""
    return to_json(body.fields)


def _is_unset(limit: object) -> bool:
    """ElevenLabs sends -1 for "no limit", which providers refuse."""
    return limit is None or (isinstance(limit, int | float) and limit <= 0)
