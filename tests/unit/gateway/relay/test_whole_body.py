"""A whole answer is read within its bounds: one that is too large ends the call, without a further paid request."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Mapping

import pytest

from gateway.domain.call import Target
from gateway.domain.errors import AnswerTooLarge
from gateway.relay.whole_body import read_body
from switchboard.domain.limits import MAX_ANSWER_VALUES
from switchboard.domain.trace import Status
from switchboard.domain.usage import UsageSource
from testkit.cascade import cascade, outcomes
from testkit.openai_events import DONE, chunk, completion, finish
from testkit.running_gateway import chat
from testkit.upstream import Answer, ScriptedUpstream, json_answer

JSON: Mapping[str, str] = {"content-type": "application/json"}
GZIP = {**JSON, "content-encoding": "gzip"}
MB = 1024 * 1024
TARGET = Target("generic", "https://x/v1", "x", "m", 1000)


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
async def second() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(json_answer(completion("Hello"))) as scripted:
        yield scripted


def _image(size: int) -> bytes:
    return json.dumps(completion("Here it is.", images=[{"image_url": {"url": "A" * size}}])).encode()


LARGE = {
    "plain": Answer([b"A" * MB] * 3, headers=JSON),
    "compressed": Answer([gzip.compress(_image(3 * MB))], headers=GZIP),
    "a stream": Answer([chunk("Hello" * 20_000)] * 30 + [finish(), DONE]),
    "a document where a stream was asked": Answer([_image(3 * MB)], headers=JSON),
}


@pytest.mark.parametrize("name", LARGE)
async def test_an_answer_that_is_too_large_ends_the_call(
    upstream: ScriptedUpstream, second: ScriptedUpstream, name: str
) -> None:
    upstream.answers(LARGE[name])
    streamed = name.endswith("asked")
    async with cascade(upstream, second, max_answer_mb="2") as gateway:
        response = await gateway.call(chat(stream=streamed))
        trace = await gateway.trace()
    assert (response.status_code, response.headers["x-should-retry"]) == (502, "false")
    assert response.json()["error"]["code"] == "answer_too_large"
    assert "the answer has more than 2 MB" in response.json()["error"]["message"]
    assert outcomes(trace) == [("groq", "AnswerTooLarge")]
    assert (len(upstream.requests), second.requests) == (1, [])
    assert (trace.status, trace.usage.source) == (Status.UPSTREAM_ERROR, UsageSource.ESTIMATED)


async def test_an_answer_up_to_the_bound_is_passed_on(upstream: ScriptedUpstream) -> None:
    body = _image(MB)
    for answer in (Answer([body], headers=JSON), Answer([gzip.compress(body)], headers=GZIP)):
        upstream.answers(answer)
        async with cascade(upstream, max_answer_mb="2") as gateway:
            response = await gateway.call(chat(stream=False))
        assert response.json() == json.loads(body)
        assert "content-encoding" not in response.headers


async def test_a_large_answer_takes_no_more_memory_than_its_bound(upstream: ScriptedUpstream) -> None:
    """31 KB of compressed data stand for 32 MB: of neither it nor 100 MB is more than the bound in memory."""
    packed = gzip.compress(b"[" + b"0" * 32 * MB)
    for answer in (Answer([b"A" * MB] * 100, headers=JSON), Answer([packed], headers=GZIP)):
        upstream.answers(answer)
        async with cascade(upstream, max_answer_mb="4") as gateway:
            tracemalloc.start()
            try:
                response = await gateway.call(chat(stream=False))
                assert tracemalloc.get_traced_memory()[1] < 16 * MB
            finally:
                tracemalloc.stop()
        assert response.json()["error"]["code"] == "answer_too_large"


async def test_values_are_bounded_too_because_each_takes_memory() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"["
        for _ in range(MAX_ANSWER_VALUES // 1000 + 1):
            yield b"{}," * 1000

    with pytest.raises(AnswerTooLarge, match="500,000 values"):
        await read_body(chunks(), TARGET, 32 * MB)


UNREADABLE = [("br", b"\x0b\x02\x80"), ("gzip", b"{}"), ("gzip, gzip", b"")]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(("encoding", "data"), UNREADABLE)
async def test_an_answer_in_another_encoding_is_a_clear_failure(
    upstream: ScriptedUpstream, second: ScriptedUpstream, encoding: str, data: bytes, *, streamed: bool
) -> None:
    upstream.answers(Answer([data], headers={**JSON, "content-encoding": encoding}))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(stream=streamed))
        trace = await gateway.trace()
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "answer_unreadable"
    assert "the answer cannot be read: its" in response.json()["error"]["message"].replace("it is", "its")
    assert outcomes(trace) == [("groq", "AnswerUnreadable")]
    async with cascade(upstream, second) as gateway:
        response = await gateway.call(chat(stream=streamed))
    assert response.status_code == 200


async def test_an_error_in_another_encoding_keeps_its_status(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([b"\x0b"], 400, {**JSON, "content-encoding": "br"}))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat())
    assert response.status_code == 400
    assert "it is encoded as 'br'" in response.json()["error"]["message"]


async def test_a_compressed_stream_is_passed_on_as_it_comes(upstream: ScriptedUpstream) -> None:
    packer = zlib.compressobj(wbits=31)
    pieces = [packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH) for event in (chunk("Hel"), chunk("lo"))]
    rest = packer.compress(finish() + DONE) + packer.flush()
    upstream.answers(Answer([pieces[0], 0.02, pieces[1], 0.02, rest], headers={"content-encoding": "gzip"}))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat())
    assert response.content == chunk("Hel") + chunk("lo") + finish() + DONE


async def test_an_attempt_that_runs_already_may_still_answer(
    upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.answers(Answer([0.15, b"[" + b"0" * 3 * MB], headers=JSON))
    second.answers(Answer([1.0, chunk("Hello"), finish(), DONE]))
    with ScriptedUpstream(json_answer(completion("Hello"))) as third:
        async with cascade(upstream, second, third, policy={"hedge_after_ms": 30}, max_answer_mb="2") as gateway:
            response = await gateway.call(chat())
            trace = await gateway.trace()
        assert third.requests == []
    assert outcomes(trace) == [("groq", "AnswerTooLarge"), ("together", "ok")]
    assert response.status_code == 200
