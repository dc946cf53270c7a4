"""Reads error bodies whose shape differs from OpenAI's: one message and code each."""

from dataclasses import replace

from gateway.domain.json_text import object_field, quote_json, read_json_object
from switchboard.stream.provider_errors import InBandError, read_error


def read_message_of_aws(body: bytes) -> InBandError:
    """AWS's own `{"message"}` or `{"Message"}`, with `__type` as the code; else OpenAI's shape."""
    parsed = _object(body)
    message = parsed.get("message") or parsed.get("Message")
    if not isinstance(message, str) or "error" in parsed:
        return read_error(body)
    kind = parsed.get("__type")
    return InBandError(message, kind.rpartition("#")[2] if isinstance(kind, str) else None)


def read_with_cause(body: bytes) -> InBandError:
    """OpenRouter's error, with the provider's own error text from `metadata`."""
    error = read_error(body)
    metadata = object_field(object_field(_object(body), "error"), "metadata")
    provider, raw = metadata.get("provider_name"), metadata.get("raw")
    text = raw if isinstance(raw, str) else quote_json(raw) if raw else ""
    cause = ": ".join(part for part in (provider, text) if isinstance(part, str) and part)
    return replace(error, message=f"{error.message} ({cause})") if cause else error


def _object(body: bytes) -> dict[str, object]:
    try:
        return read_json_object(body)
    except ValueError:
        return {}
