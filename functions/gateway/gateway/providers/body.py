"""The request body as it goes upstream: the caller's, less what no provider takes, asking for usage."""

from pydantic_core import to_json

from gateway.call import Chat
from gateway.providers.provider import Provider

_GATEWAY_ONLY = ("elevenlabs_extra_body", "user_id")
_LIMITS = ("max_tokens", "max_completion_tokens")


def encode(chat: Chat, model: str, provider: Provider) -> tuple[bytes, tuple[str, ...]]:
    """The body's bytes, and a note for every field that was left out."""
    fields = dict(chat.others)
    asks_for_usage = chat.streamed and provider.takes_stream_options
    options = fields.get("stream_options")
    dropped = [name for name in _GATEWAY_ONLY if name in fields]
    dropped += ["stream_options"] if "stream_options" in fields and not asks_for_usage else []
    dropped += [name for name in _LIMITS if name in fields and _is_unset(fields[name])]
    for name in dropped:
        del fields[name]
    body: dict[str, object] = {"model": model, "messages": chat.messages} | fields
    if chat.streamed:
        body["stream"] = True
    if asks_for_usage:
        body["stream_options"] = (options if isinstance(options, dict) else {}) | {"include_usage": True}
    return to_json(body), tuple(f"left out {name}" for name in dropped)


def _is_unset(limit: object) -> bool:
    """ElevenLabs sends -1 for "no limit", which providers refuse."""
    return limit is None or (isinstance(limit, int | float) and limit <= 0)
