"""Keeps Gemini's thought signatures by tool-call id, and puts them back into the history.

Gemini 3 answers 400 when the first tool call of a step comes back without the signature it was given. Callers that keep
only OpenAI's fields lose it. Source: https://ai.google.dev/gemini-api/docs/thought-signatures
"""

import re

from gateway.domain.codec import Draft, Memory
from gateway.domain.json_text import object_field, text_field
from gateway.providers.chat_completions.dialect import serialise
from switchboard.stream.deltas import Json

SKIP_VALIDATOR = "skip_thought_signature_validator"
"""The documented value for a call whose signature is lost."""

_WANTS_SIGNATURES = re.compile(r"gemini-(?:[3-9]|[1-9]\d|.*latest)")


def remember_signature(memory: Memory, call_id: str, call: Json) -> None:
    """Keep the signature of a tool call (or of a part of one), if it carries one."""
    if signature := _signature(call):
        memory.remember(_name(call_id), signature)


def write_with_signatures(body: Draft, memory: Memory) -> bytes:
    """The body's bytes, with a signature on every tool call that Gemini requires one on."""
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
    if not isinstance(call, dict) or _signature(call):
        return call
    signature = memory.recall(_name(str(call.get("id"))))
    if signature is not None:
        body.note("put back a thought signature")
    elif is_first:  # of parallel calls only the first is given one
        signature = SKIP_VALIDATOR
        body.note("a thought signature was lost: asked not to validate it")
    else:
        return call
    extra = object_field(call, "extra_content")
    google = object_field(extra, "google") | {"thought_signature": signature}
    return {**call, "extra_content": extra | {"google": google}}


def _signature(call: Json) -> str:
    return text_field(object_field(object_field(call, "extra_content"), "google"), "thought_signature")


def _name(call_id: str) -> str:
    return f"thought_signature:{call_id}"
