"""A caller that retries and one that interrupts, with one gateway process and with a process for each call."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle

import httpx
import pytest

from switchboard.domain.trace import Status, Trace
from testkit.openai_events import DONE, chunk, finish, role
from testkit.running_gateway import PROJECT, RunningGateway, chat, running_gateway
from testkit.upstream import Answer, Gate, ScriptedUpstream

POLL_MS = 20
SPOKEN = [role(), chunk("Hello"), finish(), DONE]
SYSTEM = {"role": "system", "content": "You take bookings."}
ASKED = [SYSTEM, {"role": "user", "content": "A table for two."}]
LATER = [*ASKED, {"role": "assistant", "content": "For"}, {"role": "user", "content": "Tonight!"}]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is read to its end."""

    responded: asyncio.Event
    """Set when the response has begun, with an answer or an error."""
    answer: asyncio.Task[httpx.Response]


class Callers:
    """Gateways over one table. Each call goes to the next of them."""

    def __init__(self, gateways: list[RunningGateway]) -> None:
        self._gateways = gateways
        self._next = cycle(gateways)
        self._traces: dict[str, Trace] = {}

    async def asks(self, messages: list[dict[str, str]] = ASKED, fallback: str = "") -> Call:
        """A call whose request was sent to a provider."""
        gateway, responded = next(self._next), asyncio.Event()
        headers = {"x_inference_metadata_conversation_id": "conv_1", "x_inference_fallback": fallback}

        async def listen() -> httpx.Response:
            async with gateway.stream(chat(messages=messages), **headers) as response:
                responded.set()
                await response.aread()
            return response

        call = Call(responded, asyncio.create_task(listen()))
        await gateway.store.opened()
        return call

    async def ended(self, call: Call) -> tuple[httpx.Response, Trace]:
        """The response and the trace."""
        response = await call.answer
        trace_id = response.headers["x-inference-trace-id"]
        for gateway in self._gateways:
            if trace_id not in self._traces and (PROJECT, trace_id) in gateway.store.traces:
                while (trace := await gateway.trace()).trace_id != trace_id:
                    self._traces[trace.trace_id] = trace
                self._traces[trace_id] = trace
        return response, self._traces[trace_id]


@pytest.fixture
def first() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def second() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(params=[1, 3], ids=["one process", "a process each"])
async def callers(
    request: pytest.FixtureRequest, first: ScriptedUpstream, second: ScriptedUpstream
) -> AsyncIterator[Callers]:
    async with AsyncExitStack() as stack:
        gateways: list[RunningGateway] = []
        for _ in range(request.param):
            gateway = await stack.enter_async_context(
                running_gateway(
                    first.host,
                    second.host,
                    turn_look_ms=str(POLL_MS),
                    provider_base_urls=f"openai={first.base_url},groq={second.base_url}",
                    keyless_providers="openai,groq",
                )
            )
            if gateways:  # one table
                gateway.store.turns, gateway.store._lock = gateways[0].store.turns, gateways[0].store._lock
            gateways.append(gateway)
        yield Callers(gateways)


async def test_a_slow_model_answers_once_though_its_caller_retries(callers: Callers, first: ScriptedUpstream) -> None:
    gate = Gate()
    first.answers(Answer([role(), gate, 2 * POLL_MS / 1000, *SPOKEN[1:]]), Answer([role(), Gate()]))
    calls: list[Call] = []
    for number in (1, 2, 3):
        calls.append(await callers.asks())
        await first.request(number)
    gate.open()
    ended = [await callers.ended(call) for call in calls]
    assert ended[0][0].content == b"".join(SPOKEN)
    assert all(chunk("Hello") not in response.content for response, _ in ended[1:])
    traces = [trace for _, trace in ended]
    assert [trace.status for trace in traces] == [Status.OK, Status.SUPERSEDED, Status.SUPERSEDED]
    turns = [trace.turn for trace in traces if trace.turn is not None]
    assert [turn.retry for turn in turns] == [0, 1, 2]
    assert len({turn.turn_id for turn in turns}) == 1
    for request in first.requests[1:]:
        await request.left()


async def test_a_retry_starts_at_the_next_target_and_its_answer_stops_the_first(
    callers: Callers, first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    first.answers(Answer([role(), Gate()]))
    second.answers(Answer(SPOKEN))
    fallback = "groq/llama-3.3-70b-versatile"
    silent, retry = await callers.asks(fallback=fallback), await callers.asks(fallback=fallback)
    (_, stopped), (response, answered) = await callers.ended(silent), await callers.ended(retry)
    assert response.content == b"".join(SPOKEN)
    assert (answered.status, answered.provider) == (Status.OK, "groq")
    assert (stopped.status, [attempt.provider for attempt in stopped.attempts]) == (Status.SUPERSEDED, ["openai"])


async def test_an_interruption_stops_the_answer_under_way(callers: Callers, first: ScriptedUpstream) -> None:
    first.answers(Answer([role(), chunk("For when"), Gate()]), Answer(SPOKEN))
    talking = await callers.asks()
    await talking.responded.wait()
    interrupting = await callers.asks(LATER)
    response, trace = await callers.ended(talking)
    assert (response.status_code, trace.status) == (200, Status.INTERRUPTED)
    *_, last = response.content.strip().split(b"\n\n")
    assert "error" in json.loads(last.removeprefix(b"data: "))
    await first.requests[0].left()
    assert (await callers.ended(interrupting))[1].status is Status.OK


async def test_a_turn_that_was_answered_can_be_asked_again(callers: Callers, first: ScriptedUpstream) -> None:
    pause_s = 2 * POLL_MS / 1000
    first.answers(Answer([role(), pause_s, chunk("Hello"), pause_s, finish(), DONE]))
    for _ in range(3):
        response, trace = await callers.ended(await callers.asks())
        assert response.content == b"".join(SPOKEN)
        assert trace.turn is not None
        assert (trace.status, trace.turn.retry) == (Status.OK, 0)
