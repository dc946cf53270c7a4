"""However a recorded stream is cut, the readers make the same of it, and its usage is kept as the provider told it."""

from typing import Any

import pytest

from gateway.domain.clock import Clock
from gateway.domain.codec import AnswerContext
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.provider import Provider
from gateway.relay.stream import Stream
from switchboard.stream.transcript import Transcript
from testkit.recorded import Exchange, events, exchanges, needs_recorded
from testkit.recorded_answers import OK, told_usage

pytestmark = needs_recorded

PARTS = 4
CREATED_S = 1_795_000_000


def row_of(exchange: Exchange) -> Provider:
    """The row under which the exchange is served."""
    row = table.by_name(exchange.provider)
    assert row is not None
    return row


def heard(exchange: Exchange, pieces: list[bytes], *, wants_usage: bool) -> tuple[bytes, object, object, object]:
    """What the caller gets, what is kept of it, what is noted, and the error."""
    asked = AnswerContext(exchange.model, "0" * 32, CREATED_S, wants_usage, SignatureMemory(Clock()))
    stream = Stream(row_of(exchange).make_reader(asked), Transcript(), wants_usage, [])
    passed = b"".join([stream.feed(piece) for piece in pieces if not stream.is_over])
    return (
        without_time(exchange, passed + stream.finish()),
        stream.transcript.completion(),
        list(dict.fromkeys(stream.notes)),
        stream.error,
    )


def without_time(exchange: Exchange, passed: bytes) -> bytes:
    """A native answer tells no time: its chunks have that of the reading."""
    if not exchange.is_native:
        return passed
    before, *rest = passed.split(b'"created":')
    return before + b"".join(part[part.index(b",") :] for part in rest)


@pytest.mark.parametrize("wants_usage", [True, False])
@pytest.mark.parametrize("part", range(PARTS))
def test_any_cut_gives_the_same(part: int, wants_usage: bool) -> None:
    some = [exchange for exchange in exchanges() if exchange.streamed and exchange.status == OK][part::PARTS]
    for exchange in some:
        body = exchange.body
        whole = heard(exchange, [body], wants_usage=wants_usage)
        single = [body[place : place + 1] for place in range(len(body))]
        assert heard(exchange, single, wants_usage=wants_usage) == whole, exchange.name
        assert heard(exchange, events(body), wants_usage=wants_usage) == whole, exchange.name


KNOWN_UNREAD = 0
"""Answers whose cache reads are told as `num_cached_tokens` (Mistral) or `cached_tokens` (Moonshot), and not read."""
KNOWN_OVERCOUNTED = ["vi111"]
"""An answer of xAI's whose total says that its reasoning lies within the completion; it is counted beside it."""


def test_every_token_is_counted_in_one_class() -> None:
    unread, miscounted = [], []
    for exchange in exchanges():
        if (usage := told_usage(exchange)) is None:
            continue
        prompt, tokens = usage["prompt_tokens"], row_of(exchange).read_usage(usage).tokens
        assert tokens is not None, exchange.name
        assert tokens.prompt == prompt, exchange.name
        if tokens.completion != (usage.get("total_tokens") or prompt + usage["completion_tokens"]) - prompt:
            miscounted.append(exchange.name)
        if tokens.cache_read + tokens.audio_cache_read + tokens.image_cache_read != cache_reads(usage):
            unread.append(exchange.name)
    assert miscounted == KNOWN_OVERCOUNTED
    assert len(unread) == KNOWN_UNREAD, unread


def cache_reads(usage: dict[str, Any]) -> int:
    """What was read from the cache, in whichever place it is told."""
    details = usage.get("prompt_tokens_details") or {}
    places = ("num_cached_tokens", "cached_tokens", "prompt_cache_hit_tokens")
    told = [details.get("cached_tokens"), *(usage.get(name) for name in places)]
    return max(count or 0 for count in told)
