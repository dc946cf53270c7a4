"""Reads recorded bodies as JSON values to display."""

import json
import math
import re

from switchboard.stream.transcript import assemble

# The fields of an event stream, or a comment; a byte order mark and blank lines may precede them.
_STREAM_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:")

# Within a text the second quotation mark would have a backslash before it.
_CREATED = re.compile(rb'"created": ?(\d{1,12})\b(?![.eE])')
_FIRST_EVENTS_BYTES = 16_384


def request_value(body: bytes | None) -> object:
    """The request as JSON; as text if it is not JSON, None if it was not stored."""
    return None if body is None else _json_or_text(body)


def response_value(body: bytes | None, *, streamed: bool) -> object:
    """The response as JSON, a stream as its assembled completion; as text if it is neither, None if there is none."""
    if not body:
        return None
    if not is_event_stream(body, streamed=streamed):
        return _json_or_text(body)
    found = assemble(body)
    return _text(body) if found.is_cut else _created(body) | found.completion()


def _created(stream: bytes) -> dict[str, object]:
    """When the completion began, as the first event that tells it says: OpenAI's clients want it in each completion."""
    found = _CREATED.search(stream, 0, _FIRST_EVENTS_BYTES)
    return {} if found is None else {"created": int(found[1])}


def is_event_stream(body: bytes, *, streamed: bool) -> bool:
    """Whether the body is an event stream. A streamed call that fails before its first event is answered with JSON."""
    return streamed and _STREAM_BEGINS.match(body) is not None


def _json_or_text(body: bytes) -> object:
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return _text(body)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    # 1e999 is valid JSON, but Python reads it as infinity, which cannot be written as JSON.
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is too large for a double")
    return value
