"""Reads error bodies whose shape differs from OpenAI's: one message and code each."""

from gateway.domain.json_text import object_field, quote_json, read_json_object
from switchboard.stream.deltas import InBandError, read_error

_MAX_DETAILS = 5


def read_detail(body: bytes) -> InBandError:
    """Pydantic's lists of errors (in `message.detail`, `message` or `detail`): location and message of each."""
    parsed = _object(body)
    message = parsed.get("message")
    inner = message.get("detail") if isinstance(message, dict) else message
    details = inner if isinstance(inner, list) else parsed.get("detail")
    if isinstance(details, str) and not message:
        return InBandError(details)
    if not (isinstance(details, list) and details):
        error = read_error(body)
        return InBandError(error.message, error.code or _code(parsed))
    return InBandError("; ".join(_described(detail) for detail in details[:_MAX_DETAILS]), _code(parsed))


def read_message_of_aws(body: bytes) -> InBandError:
    """AWS's own `{"message"}` or `{"Message"}`, with `__type` as the code; else OpenAI's shape."""
    parsed = _object(body)
    message = parsed.get("message") or parsed.get("Message")
    if not isinstance(message, str) or "error" in parsed:
        return read_error(body)
    kind = parsed.get("__type")
    return InBandError(message, kind.rpartition("#")[2] if isinstance(kind, str) else None)


def read_flat(body: bytes) -> InBandError:
    """A body that is itself the error, with `code` or `type` beside its text."""
    error = read_error(body)
    return InBandError(error.message, error.code or _code(_object(body)))


def read_with_cause(body: bytes) -> InBandError:
    """OpenRouter's error, with the provider's own error text from `metadata`."""
    error = read_error(body)
    metadata = object_field(object_field(_object(body), "error"), "metadata")
    provider, raw = metadata.get("provider_name"), metadata.get("raw")
    text = raw if isinstance(raw, str) else quote_json(raw) if raw else ""
    cause = ": ".join(part for part in (provider, text) if isinstance(part, str) and part)
    return InBandError(f"{error.message} ({cause})", error.code) if cause else error


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


def _code(parsed: dict[str, object]) -> str | None:
    code = parsed.get("code") or parsed.get("type")
    return None if code is None else str(code)
