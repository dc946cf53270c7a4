"""Reads error bodies whose shape differs from OpenAI's: one message and code each."""

from dataclasses import replace

from gateway.domain.json_text import object_field, quote_json, read_json_object
from switchboard.stream.provider_errors import InBandError, read_error

_MAX_DETAILS = 5


def read_detail(body: bytes) -> InBandError:
    """Pydantic's lists of errors (in `message.detail`, `message` or `detail`): location and message of each."""
    parsed = _object(body)
    message = parsed.get("message")
    inner = message.get("detail") if isinstance(message, dict) else message
    details = inner if isinstance(inner, list) else parsed.get("detail")
    if isinstance(details, str) and not message:
        return InBandError(details)
    error = read_error(body)
    if not (isinstance(details, list) and details):
        return replace(error, code=error.code or _text_of(parsed.get("code")), kind=error.kind or _kind(parsed))
    text = "; ".join(_described(detail) for detail in details[:_MAX_DETAILS])
    first = details[0] if isinstance(details[0], dict) else {}
    return InBandError(text, _text_of(parsed.get("code")), _kind(parsed) or _kind(first), _location(first) or None)


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


def _described(detail: object) -> str:
    if not isinstance(detail, dict):
        return str(detail)
    location = detail.get("loc")
    where = ".".join(str(step) for step in location) if isinstance(location, list) else ""
    return ": ".join(part for part in (where, str(detail.get("msg") or detail.get("type") or "")) if part)


def _location(detail: dict[str, object]) -> str:
    """The field that a detail is about, without the word for the whole body."""
    location = detail.get("loc")
    steps = [str(step) for step in location] if isinstance(location, list) else []
    return ".".join(steps[1:] if steps[:1] == ["body"] else steps)


def _kind(fields: dict[str, object]) -> str | None:
    return _text_of(fields.get("type"))


def _text_of(name: object) -> str | None:
    return None if name is None else str(name)
