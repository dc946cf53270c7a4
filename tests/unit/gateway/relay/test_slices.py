"""However much comes at once, other calls are served in between: no step keeps the event loop for long."""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from gateway.domain.attempt import Attempt
from gateway.domain.call import Target
from gateway.domain.codec import AnswerContext
from gateway.providers import table
from gateway.relay.flow import Flow
from gateway.relay.slices import SLICE_BYTES, in_slices
from gateway.relay.stream import Stream
from testkit.openai_events import DONE, chunk, event, finish

MB = 1024 * 1024
HELD_UP_MS = 50
TARGET = Target("generic", "https://x/v1", "x", "m", 1000)


class NoMemory:
    def remember(self, name: str, value: str, history: str) -> None:
        """Keep nothing."""

    def recall(self, name: str, history: str) -> None:
        """Nothing was kept."""


CONTEXT = AnswerContext("m", "a" * 32, 1, wants_usage=False, memory=NoMemory())


class Timing:
    """A plan and a journal, as far as the flow of an answer reads them."""

    stall_ms = call_timeout_ms = 60_000

    def elapsed_ms(self) -> float:
        return 0.0


def _flow(*chunks: bytes) -> tuple[Flow, Attempt]:
    async def source() -> AsyncIterator[bytes]:
        for piece in chunks:
            yield piece

    attempt = Attempt(TARGET, lambda: 0.0)
    stream = Stream(table.by_dialect("generic").make_reader(CONTEXT), attempt.transcript, False, attempt.notes)
    timing = cast("Any", Timing())
    return Flow(stream, source(), timing, timing, attempt, str), attempt


async def _passed(*chunks: bytes) -> bytes:
    flow, _ = _flow(*chunks)
    return b"".join([some async for some in await flow.begin()])


async def _read(*chunks: bytes) -> None:
    """Read a document to its end, as the exchange does."""
    flow, _ = _flow(*chunks)
    flow.stream.read_document = lambda body: table.by_dialect("generic").read_answer(body, CONTEXT)
    assert [some async for some in await flow.begin()]


async def _longest_ms(work: Callable[[], Awaitable[object]]) -> float:
    """How long the work kept other tasks waiting at most, in the thread's own time."""
    longest, is_over = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not is_over:
            since = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - since)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await work()
    is_over = True
    await watching
    return longest * 1000


SMALL = {
    "content": chunk("a"),
    "comments": b":\n\n",
    "blank lines": b"\n\n",
    "no JSON": b"data: x\n\n",
    "finish reasons": None,
    "tool calls": event(
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "a"}}]}}]}
    ),
}


@pytest.mark.alone
@pytest.mark.parametrize("name", SMALL)
async def test_a_chunk_of_very_many_events_lets_other_calls_go_on(name: str) -> None:
    small = SMALL[name]
    many = (
        b"".join(chunk(finish_reason=f"reason {number}") for number in range(7000))
        if small is None
        else small * (MB // 4 // len(small))
    )
    longest: list[float] = []
    gc.disable()
    try:
        while len(longest) < 5 and (not longest or min(longest) >= HELD_UP_MS):
            longest.append(await _longest_ms(lambda: _passed(chunk("Hello"), many, finish(), DONE)))
    finally:
        gc.enable()
    assert min(longest) < HELD_UP_MS


@pytest.mark.alone
async def test_a_large_document_in_place_of_a_stream_lets_other_calls_go_on() -> None:
    pieces = (b'{"choices":[{"message":{"content":"', *[b"a" * MB] * 15, b'"},"finish_reason":"stop"}]}')
    longest: list[float] = []
    while len(longest) < 5 and (not longest or min(longest) >= HELD_UP_MS):
        longest.append(await _longest_ms(lambda: _read(*pieces)))
    assert min(longest) < HELD_UP_MS


async def test_slices_lose_nothing() -> None:
    whole = bytes(range(256)) * 100
    for size in (0, 1, SLICE_BYTES, SLICE_BYTES + 1, len(whole)):
        assert b"".join([part async for part in in_slices(whole[:size])]) == whole[:size]


async def test_a_large_chunk_is_passed_on_as_many_small_ones_would_be() -> None:
    events = [chunk("Hello"), *[chunk(f"word {number} ") for number in range(999)], finish(), DONE]
    assert await _passed(b"".join(events)) == await _passed(*events) == b"".join(events)


async def test_nothing_is_read_after_an_error_in_the_same_chunk() -> None:
    flow, attempt = _flow(chunk("Hello"), event({"error": {"message": "boom"}}) + chunk("more") * 1000)
    with pytest.raises(Exception, match="boom"):
        [some async for some in await flow.begin()]
    assert json.dumps(attempt.transcript.completion()).count("more") == 0
