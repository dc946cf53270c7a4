"""Recorded bodies as values to show: the bytes stay what they are, this only reads them."""

import json
import math
import re

from switchboard.stream.sse import EventTooLong
from switchboard.stream.transcript import assemble

# The fields of an event stream, or a comment; a byte order mark and blank lines may stand before them.
_STREAM_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:")


def request_value(body: bytes | None) -> object:
    """The request as JSON; its text when it is none, None when it was not kept."""
    return None if body is None else _json_or_text(body)


def response_value(body: bytes | None, *, streamed: bool) -> object:
    """The response as JSON, of a stream the completion put together; its text when it is neither, None without any."""
    if not body:
        return None
    if not is_event_stream(body, streamed=streamed):
        return _json_or_text(body)
    try:
        return assemble(body).completion()
    except EventTooLong:
        return _text(body)


def is_event_stream(body: bytes, *, streamed: bool) -> bool:
    """Whether the body is a stream of events: a streamed call that failed at once was answered with plain JSON."""
    return streamed and _STREAM_BEGINS.match(body) is not None


def _json_or_text(body: bytes) -> object:
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return _text(body)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is Python's, not JSON's")


def _finite(text: str) -> float:
    # 1e999 is JSON, but what Python makes of it could not be written as JSON again.
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is beyond a double")
    return value
