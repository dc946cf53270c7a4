"""The scripted upstream does what its scripts define."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from testkit.openai_events import DONE, chunk
from testkit.upstream import CAN_BLACKHOLE, Answer, End, Framing, Gate, Raw, ScriptedUpstream, json_answer

WHOLE = Answer([chunk("Hel"), chunk("lo"), DONE])


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(WHOLE) as running:
        yield running


@pytest.fixture
async def client(upstream: ScriptedUpstream) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=upstream.base_url, timeout=5, trust_env=False) as running:
        yield running


async def test_it_records_requests_and_keeps_the_connection(
    upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    for number in (1, 2):
        answer = await client.post("/chat/completions", json={"n": number}, headers={"X-One": "two"})
        assert answer.content == chunk("Hel") + chunk("lo") + DONE
        seen = await upstream.request(number)
        assert (seen.method, seen.path, seen.json, seen.connection) == (
            "POST",
            "/v1/chat/completions",
            {"n": number},
            1,
        )
        assert seen.headers["x-one"] == "two"
    assert upstream.connections_opened == 1


async def test_answers_come_in_their_order_and_the_last_one_stays(
    upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answers(json_answer({"error": {}}, 429, {"retry-after": "7"}), WHOLE)
    first, second, third = [await client.post("/chat/completions") for _ in range(3)]
    assert (first.status_code, first.headers["retry-after"], first.json()) == (429, "7", {"error": {}})
    assert second.content == third.content


async def test_a_gate_holds_the_script_until_it_is_opened(
    upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    gate = Gate()
    upstream.answers(Answer([b"one", gate, b"two"]))
    async with client.stream("POST", "/chat/completions") as answer:
        chunks = answer.aiter_bytes()
        assert await anext(chunks) == b"one"
        await gate.reached()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(following := asyncio.ensure_future(anext(chunks))), 0.05)
        gate.open()
        assert await following == b"two"


@pytest.mark.alone
async def test_a_pause_is_kept(upstream: ScriptedUpstream, client: httpx.AsyncClient) -> None:
    upstream.answers(Answer([b"one", 0.1, b"two"]))
    await client.post("/chat/completions")
    first, second = upstream.requests[0].sent_at
    assert 0.1 <= second - first < 1.0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer([b"one", End.CLOSE]), httpx.RemoteProtocolError),
        (Answer([b"one", 0.02, End.RESET]), httpx.ReadError),
        (Answer([b"one", Raw(b"ff\r\nhalf"), End.CLOSE]), httpx.RemoteProtocolError),
        (Answer(before_headers=[End.CLOSE]), httpx.RemoteProtocolError),
        (Answer(before_headers=[End.RESET]), httpx.ReadError),
        (
            Answer([b"one"], framing=Framing.LENGTH, headers={"content-length": "9"}, then=End.CLOSE),
            httpx.RemoteProtocolError,
        ),
    ],
)
async def test_cuts_are_seen_as_such(
    answer: Answer, error: type[Exception], upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answers(answer)
    with pytest.raises(error):
        await client.post("/chat/completions")


async def test_a_callers_disconnect_is_recorded(upstream: ScriptedUpstream, client: httpx.AsyncClient) -> None:
    upstream.answers(Answer([b"one", End.HANG]))
    async with client.stream("POST", "/chat/completions") as answer:
        assert await anext(answer.aiter_bytes()) == b"one"
        assert not upstream.requests[0].has_left
        leaving_at = time.monotonic()
    assert await upstream.requests[0].left() - leaving_at < 2.0


async def test_an_idle_connection_is_ended(upstream: ScriptedUpstream, client: httpx.AsyncClient) -> None:
    await client.post("/chat/completions")
    upstream.end_idle()
    await upstream.requests[0].left()
    await client.post("/chat/completions")
    assert [request.connection for request in upstream.requests] == [1, 2]


@pytest.mark.skipif(not CAN_BLACKHOLE, reason="dropping a socket's packets needs Linux")
async def test_a_blackholed_connection_drops_the_next_request(
    upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    await client.post("/chat/completions")
    upstream.blackhole_idle()
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/chat/completions", timeout=0.3)
    assert len(upstream.requests) == 1


async def test_a_body_may_end_with_the_connection(upstream: ScriptedUpstream, client: httpx.AsyncClient) -> None:
    upstream.answers(Answer([b"one", b"two"], framing=Framing.CLOSE))
    assert (await client.post("/chat/completions")).content == b"onetwo"
