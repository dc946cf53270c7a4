"""Converts answers of the other kind: a whole completion into events, a stream into one completion."""

from gateway.domain.codec import AnswerContext
from gateway.domain.json_text import object_field, read_json_object, write_json
from switchboard.stream.deltas import DONE
from switchboard.stream.transcript import Transcript

type Fields = dict[str, object]

TO_EVENTS = "the provider answered with one JSON document: sent as a stream"
TO_DOCUMENT = "the provider answered with a stream: sent as one JSON document"


def events_of(completion: bytes, *, wants_usage: bool) -> bytes:
    """A whole completion, complete by itself, as the events of a stream."""
    body = read_json_object(completion)
    found = body.pop("choices", None)
    usage = body.pop("usage", None)
    choices = [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []
    envelope = body | {"object": "chat.completion.chunk"}
    said = [choice_delta for choice in choices for choice_delta in _parts(choice)]
    chunks: list[Fields] = [envelope | {"choices": [part]} for part in said]
    if wants_usage and usage:
        chunks.append(envelope | {"choices": [], "usage": usage})
    return b"".join(b"data: " + write_json(chunk) + b"\n\n" for chunk in chunks) + (b"data: " + DONE + b"\n\n")


def document_of(transcript: Transcript, context: AnswerContext) -> bytes:
    """A streamed answer, complete and repaired, as one completion."""
    for choice in transcript.choices.values():
        choice.finish_reason = choice.finish_reason or ("tool_calls" if choice.tool_calls else "stop")
    completion = transcript.completion()
    completion |= {
        "id": completion["id"] or f"chatcmpl-{context.answer_id}",
        "created": context.created_s,
        "model": completion["model"] or context.model,
    }
    if not completion["usage"]:
        del completion["usage"]
    return write_json(completion)


def _parts(choice: Fields) -> list[Fields]:
    """A choice's content, and its end."""
    delta = dict(object_field(choice, "message"))
    if isinstance(calls := delta.get("tool_calls"), list):
        delta["tool_calls"] = [{"index": place, **call} for place, call in enumerate(calls) if isinstance(call, dict)]
    others = {name: value for name, value in choice.items() if name != "message"}
    ending = {"index": choice.get("index"), "delta": {}, "finish_reason": choice.get("finish_reason")}
    return [others | {"delta": delta, "finish_reason": None}, ending]
