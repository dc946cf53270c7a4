"""Error bodies of shapes that OpenAI's does not cover, read into one message each."""

import json

from switchboard.stream.deltas import InBandError, read_error

_MAX_DETAILS = 5


def read_detail(body: bytes) -> InBandError:
    """Lists of faults as pydantic writes them (in `message.detail`, `message` or `detail`): where, and what."""
    parsed = _object(body)
    message = parsed.get("message")
    inner = message.get("detail") if isinstance(message, dict) else message
    details = inner if isinstance(inner, list) else parsed.get("detail")
    if isinstance(details, str) and not message:
        return InBandError(details)
    if not (isinstance(details, list) and details):
        error = read_error(body)
        return InBandError(error.message, error.code or _code(parsed))
    return InBandError("; ".join(_fault(detail) for detail in details[:_MAX_DETAILS]), _code(parsed))


def read_message_of_aws(body: bytes) -> InBandError:
    """AWS's own `{"message"}` or `{"Message"}`, with `__type` as the code; else OpenAI's shape."""
    parsed = _object(body)
    message = parsed.get("message") or parsed.get("Message")
    if not isinstance(message, str) or "error" in parsed:
        return read_error(body)
    kind = parsed.get("__type")
    return InBandError(message, kind.rpartition("#")[2] if isinstance(kind, str) else None)


def read_flat(body: bytes) -> InBandError:
    """A body that is the error itself, its code beside its text."""
    error = read_error(body)
    return InBandError(error.message, error.code or _code(_object(body)))


def read_with_cause(body: bytes) -> InBandError:
    """OpenRouter's error, with the provider's own words, which it passes in `metadata`."""
    error = read_error(body)
    metadata = _within(_within(_object(body), "error"), "metadata")
    provider, raw = metadata.get("provider_name"), metadata.get("raw")
    said = raw if isinstance(raw, str) else json.dumps(raw) if raw else ""
    cause = ": ".join(part for part in (provider, said) if isinstance(part, str) and part)
    return InBandError(f"{error.message} ({cause})", error.code) if cause else error


def _object(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _within(found: dict[str, object], name: str) -> dict[str, object]:
    inner = found.get(name)
    return inner if isinstance(inner, dict) else {}


def _fault(detail: object) -> str:
    if not isinstance(detail, dict):
        return str(detail)
    location = detail.get("loc")
    where = ".".join(str(step) for step in location) if isinstance(location, list) else ""
    return ": ".join(part for part in (where, str(detail.get("msg") or detail.get("type") or "")) if part)


def _code(parsed: dict[str, object]) -> str | None:
    code = parsed.get("code") or parsed.get("type")
    return None if code is None else str(code)
