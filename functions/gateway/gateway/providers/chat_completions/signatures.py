"""Gemini's thought signatures: kept by tool-call id while the caller forgets them, and put back into the history.

Gemini 3 answers 400 when the first tool call of a step comes back without the signature it was given. Callers that keep
OpenAI's fields alone lose it. Source: https://ai.google.dev/gemini-api/docs/thought-signatures
"""

import re
from collections.abc import Mapping

from gateway.domain.codec import Draft, Memory
from gateway.providers.chat_completions.dialect import serialise
from switchboard.stream.deltas import Json

SKIP_VALIDATOR = "skip_thought_signature_validator"
"""Documented as the signature of a call whose own is lost."""

_WANTS_SIGNATURES = re.compile(r"gemini-(?:[3-9]|[1-9]\d|.*latest)")


def remember_signature(memory: Memory, call_id: str, call: Json) -> None:
    """Keep the signature of a tool call (or of a part of one), if it carries one."""
    signature = _signature(call)
    if signature:
        memory.remember(_name(call_id), signature)


def write_with_signatures(body: Draft, memory: Memory) -> bytes:
    """The body's bytes; every tool call that Gemini would miss a signature on has one."""
    if _WANTS_SIGNATURES.search(body.model):
        body.fields["messages"] = [_signed(body, memory, message) for message in body.messages]
    return serialise(body)


def _signed(body: Draft, memory: Memory, message: Json) -> Json:
    calls = message.get("tool_calls")
    if message.get("role") != "assistant" or not isinstance(calls, list):
        return message
    signed = [_signed_call(body, memory, call, is_first=place == 0) for place, call in enumerate(calls)]
    return {**message, "tool_calls": signed}


def _signed_call(body: Draft, memory: Memory, call: object, *, is_first: bool) -> object:
    if not isinstance(call, Mapping) or _signature(call):
        return call
    signature = memory.recall(_name(str(call.get("id"))))
    if signature is not None:
        body.note("put back a thought signature")
    elif is_first:  # of parallel calls only the first is given one
        signature = SKIP_VALIDATOR
        body.note("a thought signature was lost: asked not to validate it")
    else:
        return call
    others = call.get("extra_content")
    google = others.get("google") if isinstance(others, Mapping) else None
    return {
        **call,
        "extra_content": (dict(others) if isinstance(others, Mapping) else {})
        | {"google": (dict(google) if isinstance(google, Mapping) else {}) | {"thought_signature": signature}},
    }


def _signature(call: Json) -> str | None:
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, Mapping) else None
    signature = google.get("thought_signature") if isinstance(google, Mapping) else None
    return signature if isinstance(signature, str) else None


def _name(call_id: str) -> str:
    return f"thought_signature:{call_id}"
