"""Keeps Gemini's thought signatures by tool-call id, and puts them back into the history.

Gemini 3 answers 400 when the first tool call of a step comes back without the signature it was given. Callers that keep
only OpenAI's fields lose it. Source: https://ai.google.dev/gemini-api/docs/thought-signatures
"""

import re

from gateway.domain.codec import Draft, Memory
from gateway.domain.json_text import object_field, text_field
from gateway.providers.chat_completions.history_fingerprint import calls_with_history
from switchboard.stream.deltas import Json

SKIP_VALIDATOR = "skip_thought_signature_validator"
"""The documented value for a call whose signature is lost."""

_WANTS_SIGNATURES = re.compile(r"gemini-(?:[3-9]|[1-9]\d|.*latest)")


def wants_signatures(model: str) -> bool:
    """Whether the model refuses tool calls without their signatures: Gemini 3 and later."""
    return _WANTS_SIGNATURES.search(model) is not None


def remember_signature(memory: Memory, history: str, call_id: str, call: Json) -> None:
    """Keep the signature of a tool call (or of a part of one), if it carries one."""
    if signature := signature_of(call):
        memory.remember(_name(call_id), signature, history)


def put_back_signatures(body: Draft, memory: Memory) -> None:
    """Puts a signature on every tool call that Gemini requires one on."""
    if not wants_signatures(body.model):
        return
    for position, message, history in calls_with_history(body.messages):
        calls = message["tool_calls"]
        if not isinstance(calls, list):
            continue
        signed = [_signed_call(body, memory, history, call, is_first=place == 0) for place, call in enumerate(calls)]
        body.messages[position] = {**message, "tool_calls": signed}


def _signed_call(body: Draft, memory: Memory, history: str, call: object, *, is_first: bool) -> object:
    if not isinstance(call, dict) or signature_of(call):
        return call
    signature = memory.recall(_name(str(call.get("id"))), history)
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


def signature_of(call: Json) -> str:
    """The signature on a tool call; empty where it has none."""
    return text_field(object_field(object_field(call, "extra_content"), "google"), "thought_signature")


def _name(call_id: str) -> str:
    return f"thought_signature:{call_id}"
