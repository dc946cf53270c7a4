"""Recorded answers served from a socket, and read by OpenAI's own SDK: through the gateway, and without it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import openai
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from testkit.recorded import Exchange, events
from testkit.recorded_reading import Json, Reading, Said, read_chunks, read_completion
from testkit.running_gateway import KEY, RunningGateway, running_gateway
from testkit.upstream import Answer, Framing, Request, ScriptedUpstream

PROVIDER_KEY = "sk-the-key-of-recorded-calls"
CALLS_AT_ONCE = 12
SLOW_CALLS_AT_ONCE = 4
"""Byte by byte: the end of an answer must still come within the time that the gateway gives it."""
_PATH = re.compile(r"/recorded/(?P<cut>[A-Z]+)/exchange-(?P<name>\w+)/")
_NO_HURRY = {"max_attempts": 1, "ttft_timeout_ms": 60_000, "plan_timeout_ms": 120_000}


class Cut(Enum):
    """In which pieces an answer's bytes are sent."""

    EVENTS = "one event at a time; a whole answer in one piece"
    WHOLE = "in one piece"
    BYTES = "byte by byte"

    def pieces(self, body: bytes, *, streamed: bool) -> list[bytes]:
        """The body in its pieces."""
        if self is Cut.BYTES:
            return [body[place : place + 1] for place in range(len(body))]
        return events(body) if self is Cut.EVENTS and streamed else [body] if body else []


@dataclass(frozen=True, slots=True)
class Recordings:
    """The gateway before a server that gives recorded answers."""

    gateway: RunningGateway
    upstream: ScriptedUpstream
    client: openai.AsyncOpenAI
    room: asyncio.Semaphore
    narrow_room: asyncio.Semaphore

    async def through(self, exchange: Exchange, cut: Cut) -> Reading:
        """What the SDK reads of the answer through the gateway."""
        headers = {
            "x-inference-provider": exchange.provider,
            "x-inference-provider-url": self._url(exchange, cut),
            "x-inference-provider-api-key": PROVIDER_KEY,
            "x-inference-task-id": exchange.name,
        }
        async with self.room if cut is not Cut.BYTES else self.narrow_room:
            return await _read(self.client.with_options(default_headers=headers), exchange, by_helper=True)

    async def directly(self, exchange: Exchange) -> Reading:
        """What the SDK reads of the answer from the provider itself."""
        async with self.room:
            return await _read(
                self.client.with_options(base_url=self._url(exchange, Cut.WHOLE)), exchange, by_helper=False
            )

    def _url(self, exchange: Exchange, cut: Cut) -> str:
        return f"http://{self.upstream.host}/recorded/{cut.name}/exchange-{exchange.name}/v1"


@asynccontextmanager
async def recordings(*exchanges: Exchange) -> AsyncIterator[Recordings]:
    """A gateway, and a provider that gives these exchanges' answers."""
    by_name = {exchange.name: exchange for exchange in exchanges}

    def respond(request: Request) -> Answer:
        asked = _PATH.match(request.path)
        assert asked is not None, request.path
        exchange = by_name[asked["name"]]
        return Answer(
            Cut[asked["cut"]].pieces(exchange.body, streamed=exchange.streamed),
            exchange.status,
            {"content-type": exchange.content_type},
            framing=Framing.CHUNKED if exchange.streamed else Framing.LENGTH,
        )

    with ScriptedUpstream(respond=respond) as upstream:
        async with running_gateway(upstream.host, policy=_NO_HURRY) as gateway:
            base_url = f"{gateway.url}/v1"
            async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0, timeout=120) as client:
                rooms = asyncio.Semaphore(CALLS_AT_ONCE), asyncio.Semaphore(SLOW_CALLS_AT_ONCE)
                yield Recordings(gateway, upstream, client, *rooms)


async def _read(client: openai.AsyncOpenAI, exchange: Exchange, *, by_helper: bool) -> Reading:
    try:
        if exchange.streamed:
            return await _read_stream(client, exchange.chat, by_helper=by_helper)
        return await _read_whole(client, exchange.chat)
    except openai.APIStatusError as failed:
        return Reading(failed.status_code, failed.message)


async def _read_whole(client: openai.AsyncOpenAI, chat: dict[str, Any]) -> Reading:
    whole = await client.chat.completions.create(
        model=chat["model"], messages=chat["messages"], stream=False, extra_body=chat
    )
    return read_completion(_plain(whole))


async def _read_stream(client: openai.AsyncOpenAI, chat: dict[str, Any], *, by_helper: bool) -> Reading:
    stream = await client.chat.completions.create(
        model=chat["model"], messages=chat["messages"], stream=True, extra_body=chat
    )
    chunks: list[ChatCompletionChunk] = []
    error: object = None
    try:
        async for chunk in stream:
            chunks.append(chunk)  # noqa: PERF401 - what came before an error counts
    except openai.APIError as failed:
        error = failed.message
    reading = read_chunks([_plain(chunk) for chunk in chunks], error)
    return replace(reading, by_helper=_read_by_helper(chunks, reading)) if by_helper else reading


def _read_by_helper(chunks: list[ChatCompletionChunk], reading: Reading) -> str | None:
    """What the SDK's own helper, strict on indexes and ids, reads otherwise; None where it reads the same."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    try:
        for chunk in chunks:
            state.handle_chunk(chunk)
    except Exception as failed:  # noqa: BLE001 - whatever it raises its users get
        return f"{type(failed).__name__}: {failed}"
    helped = read_completion(_plain(state.current_completion_snapshot)) if chunks else reading
    parts = [[_spoken(said) for _, said in sorted(one.choices.items())] for one in (reading, helped)]
    return None if parts[0] == parts[1] else f"{parts[1]}, not {parts[0]}"


def _spoken(said: Said) -> tuple[object, ...]:
    calls = [(call.id, call.name, call.arguments) for call in said.calls]
    return said.text or "", said.refusal, said.finish_reason, calls


def _plain(model: openai.BaseModel) -> Json:
    """What the SDK read, as it came."""
    return model.to_dict(mode="json", warnings=False)
