"""A call as a line of an export, in one of Catalyst's two formats."""

import json
from enum import StrEnum

from console.body_json import request_value, response_value
from switchboard.domain.trace import Bodies, Trace


class Format(StrEnum):
    """`catalyst`: `{request, response}`. `messages`: `{messages, id, tools}`, the conversation with its answer."""

    CATALYST = "catalyst"
    MESSAGES = "messages"


class Skipped(StrEnum):
    """Why a call has no line."""

    WITHOUT_BODIES = "without_bodies"
    """Its request or its response is not stored, or not yet."""
    ZERO_RETENTION = "zero_retention"
    """None of its content may be kept."""
    WITHOUT_ANSWER = "without_answer"
    """Its request or its response is no JSON object, or, for `messages`, the response is no answer of a model."""


def export_line(trace: Trace, bodies: Bodies, line_format: Format) -> bytes | Skipped:
    """The call's line, with its line feed, or why it has none."""
    if trace.is_zero_retention:
        return Skipped.ZERO_RETENTION
    if bodies.request is None or not bodies.response:
        return Skipped.WITHOUT_BODIES
    request = request_value(bodies.request)
    response = response_value(bodies.response, streamed=trace.streamed)
    if not isinstance(request, dict) or not isinstance(response, dict):
        return Skipped.WITHOUT_ANSWER
    if line_format is Format.CATALYST:
        return _line({"request": request, "response": response})
    sent, answer = request.get("messages"), _message(response)
    if not isinstance(sent, list) or answer is None:
        return Skipped.WITHOUT_ANSWER
    return _line({"messages": [*sent, answer], "id": trace.trace_id, "tools": request.get("tools") or []})


def _message(response: dict[str, object]) -> dict[str, object] | None:
    """What the model answered, in its first choice."""
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict):
        return None
    # What a stream was cut off before has neither.
    return message if message.get("content") or message.get("tool_calls") or message.get("refusal") else None


def _line(value: object) -> bytes | Skipped:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # a provider's count that is no number
        return Skipped.WITHOUT_ANSWER
    # JSON allows half of a surrogate pair as an escape only, which is what this error handler writes.
    return text.encode("utf-8", "backslashreplace") + b"\n"
