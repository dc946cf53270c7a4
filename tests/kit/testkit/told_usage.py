"""Answers as providers send them, whole and streamed, whose usage has given tokens and tells how they were served."""

import json
from collections.abc import Mapping
from typing import Any

from gateway.domain.call import Target
from gateway.domain.clock import Clock
from gateway.domain.codec import AnswerContext
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.told import with_terms
from switchboard.domain.usage import Tokens, Usage
from switchboard.stream.sse import EventSplitter
from switchboard.stream.transcript import Transcript

HOSTS = {
    "openai": "{}.api.openai.com",
    "google": "{}-aiplatform.googleapis.com",
    "bedrock": "bedrock-runtime.{}.amazonaws.com",
    "together": "{}-api.together.ai",
}
"""The hosts of providers that tell the region by them."""


def told_usages(
    provider: str, model: str, tokens: Tokens, told: Mapping[str, str], answer_model: str | None = None
) -> tuple[Usage, Usage]:
    """The usage that is read from a whole answer and from a streamed one."""
    row = table.by_name(provider)
    assert row is not None
    host = HOSTS[provider].format(told["region"]) if "region" in told and provider in HOSTS else "example.com"
    target = Target(provider, f"https://{host}/v1", host, model, 1000, dialect=row.dialect)
    bodies = (_native if provider == "anthropic" else _chat)(answer_model or model, tokens, told, provider)
    answers = _whole(row.dialect, bodies[0]), _streamed(row.dialect, bodies[1])
    whole, streamed = (with_terms(row.usage_told(each.usage), each, target, str) for each in answers)
    return whole, streamed


def _whole(dialect: str, body: Mapping[str, Any]) -> Transcript:
    answer = Transcript()
    answer.add(table.by_dialect(dialect).read_answer(json.dumps(body).encode(), _context()).delta)
    return answer


def _streamed(dialect: str, events: list[dict[str, Any]]) -> Transcript:
    answer, reader = Transcript(), table.by_dialect(dialect).make_reader(_context())
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    pieces = [piece for event in EventSplitter().feed(stream) for piece in reader.read(event)]
    for piece in (*pieces, *reader.finish()):
        if piece.delta is not None:
            answer.add(piece.delta)
    return answer


def _context() -> AnswerContext:
    return AnswerContext("m", "0" * 32, 0, wants_usage=True, memory=SignatureMemory(Clock()))


def _chat(
    model: str, tokens: Tokens, told: Mapping[str, str], provider: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    hidden = tokens.reasoning if provider == "xai" else 0
    cached = tokens.cache_read + tokens.audio_cache_read + tokens.image_cache_read
    usage = {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion - hidden,
        "total_tokens": tokens.prompt + tokens.completion,
        "num_sources_used": tokens.searches,
        "prompt_tokens_details": {
            "cached_tokens": cached,
            "cache_write_tokens": tokens.cache_write_5m,
            "audio_tokens": tokens.audio_input + tokens.audio_cache_read,
            "image_tokens": tokens.image_input + tokens.image_cache_read,
            "cached_tokens_details": {"audio_tokens": tokens.audio_cache_read, "image_tokens": tokens.image_cache_read},
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": tokens.audio_output,
            "image_tokens": tokens.image_output,
        },
    }
    body = {"id": "c", "model": model, "created": 1, "service_tier": told.get("service_tier")}
    said = {"index": 0, "finish_reason": "stop"}
    whole = body | {"choices": [said | {"message": {"role": "assistant", "content": "Yes."}}], "usage": usage}
    chunks = [
        body | {"choices": [said | {"delta": {"content": "Yes."}}]},
        body | {"choices": [], "usage": usage},
    ]
    return whole, chunks


def _native(
    model: str, tokens: Tokens, told: Mapping[str, str], _provider: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    prompt: dict[str, Any] = {
        "input_tokens": tokens.fresh_input,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write_5m,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "service_tier": told.get("service_tier"),
        "speed": told.get("speed"),
        "inference_geo": told.get("region", "not_available"),
    }
    answer: dict[str, Any] = {
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
        "server_tool_use": {"web_search_requests": tokens.searches},
    }
    message: dict[str, Any] = {"type": "message", "id": "msg_1", "role": "assistant", "model": model}
    text = {"type": "text", "text": "Yes."}
    whole: dict[str, Any] = message | {"content": [text], "stop_reason": "end_turn", "usage": prompt | answer}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message | {"content": [], "usage": prompt | {"output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": text},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": answer},
        {"type": "message_stop"},
    ]
    return whole, events
