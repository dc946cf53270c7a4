"""A gateway with scripted providers: calls to the first fall back to the second, then to the third."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from gateway.domain.clock import Clock
from switchboard.domain.trace import Trace
from testkit.running_gateway import COMPLETIONS, KEY, RunningGateway, chat, running_gateway
from testkit.upstream import ScriptedUpstream

PROVIDERS = ("groq", "together", "fireworks")
MODEL = "llama"


@asynccontextmanager
async def cascade(
    *upstreams: ScriptedUpstream,
    policy: Mapping[str, object] | None = None,
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
    trust: ssl.SSLContext | None = None,
    **settings: str,
) -> AsyncIterator[RunningGateway]:
    """A gateway whose default policy calls these upstreams in order, as PROVIDERS. `policy` has its other fields.

    No provider needs a key, unless `environment` has keys. Backoff pauses are at most 5 ms.
    """
    names = PROVIDERS[: len(upstreams)]
    stack = {"provider": names[0], "fallback": [f"{name}/{MODEL}" for name in names[1:]], **(policy or {})}
    base_urls = ",".join(f"{name}={upstream.base_url}" for name, upstream in zip(names, upstreams, strict=True))
    keyless = "" if environment else ",".join(names)
    defaults = {"provider_base_urls": base_urls, "keyless_providers": keyless, "retry_backoff_ms": "5"}
    async with running_gateway(
        *(upstream.host for upstream in upstreams),
        environment=environment,
        clock=clock,
        policy=stack,
        trust=trust,
        telemetry=None,
        **(defaults | settings),
    ) as gateway:
        yield gateway


def outcomes(trace: Trace) -> list[tuple[str, str]]:
    """Each attempt's provider and outcome, in order."""
    return [(attempt.provider, attempt.outcome) for attempt in trace.attempts]


async def call_by_socket(
    gateway: RunningGateway, *, streamed: bool = True
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A call over a connection that the test can close."""
    body = json.dumps(chat(stream=streamed)).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
    lines = [f"POST {COMPLETIONS} HTTP/1.1", "host: x", f"authorization: Bearer {KEY}", f"content-length: {len(body)}"]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
    return reader, writer
