"""The gateway behind a real HTTP server, with a store in memory."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any, override

import certifi
import httpx
import uvicorn

from gateway.assembly import Dependencies, build
from gateway.domain.clock import Clock
from gateway.recording.telemetry import Telemetry
from gateway.settings import Settings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.trace import Bodies, Trace
from testkit.memory_store import MemoryStore

KEY = "sb-the-key-of-the-gateways-own-tests"
PROJECT = "acme"
PATIENCE_S = 10.0
COMPLETIONS = "/v1/chat/completions"


class AwaitedStore(MemoryStore):
    """A store whose writes of traces can be awaited."""

    def __init__(self, *keys: GatewayKey) -> None:
        super().__init__(*keys)
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Queue[Trace] = asyncio.Queue()
        self._completed: asyncio.Queue[Trace] = asyncio.Queue()
        self._completed_by_id: dict[str, Trace] = {}
        self._has_completed = asyncio.Event()

    @override
    def open_trace(self, trace: Trace) -> None:
        try:
            super().open_trace(trace)
        finally:
            self._loop.call_soon_threadsafe(self._opened.put_nowait, trace)

    @override
    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        try:
            super().complete_trace(trace, bodies)
        finally:
            self._loop.call_soon_threadsafe(self._note_completed, trace)

    async def opened(self) -> Trace:
        """The next trace that was opened."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._opened.get()

    async def completed(self) -> Trace:
        """The next trace that was completed, in the order of completion."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._completed.get()

    async def completed_with_id(self, trace_id: str) -> Trace:
        """The trace with that id, as soon as it is completed. It stays in the order of `completed`."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while trace_id not in self._completed_by_id:
                    self._has_completed.clear()
                    await self._has_completed.wait()
        except TimeoutError:
            others = len(self._completed_by_id)
            raise AssertionError(
                f"waited {PATIENCE_S} s for trace {trace_id} to be completed; {others} others were completed"
            ) from None
        return self._completed_by_id[trace_id]

    def _note_completed(self, trace: Trace) -> None:
        self._completed.put_nowait(trace)
        self._completed_by_id[trace.trace_id] = trace
        self._has_completed.set()


class RecordedLog:
    """A log that keeps its lines as (level, event, fields)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, Mapping[str, object]]] = []
        self._written = asyncio.Event()

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Keep the line."""
        self._keep("info", msg, extra)

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Keep the line."""
        self._keep("warning", msg, extra)

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Keep the line."""
        self._keep("error", msg, extra)

    def exception(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Keep the line."""
        self._keep("exception", msg, extra)

    def events(self) -> list[str]:
        """The names of all events so far."""
        return [event for _, event, _ in self.lines]

    async def says(self, *events: str) -> None:
        """Wait until the last lines are these events."""
        async with asyncio.timeout(PATIENCE_S):
            while self.events()[-len(events) :] != list(events):
                self._written.clear()
                await self._written.wait()

    def _keep(self, level: str, event: object, fields: Mapping[str, object]) -> None:
        self.lines.append((level, str(event), fields))
        self._written.set()


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """The gateway, its address, its store, log and metrics."""

    url: str
    store: AwaitedStore
    log: RecordedLog
    client: httpx.AsyncClient
    metrics: list[tuple[dict[str, tuple[str, float]], dict[str, str]]] = field(default_factory=list)

    async def call(self, body: object = None, path: str = COMPLETIONS, **headers: str) -> httpx.Response:
        """One call, read to its end. Header names take `_` for `-`."""
        return await self.client.post(path, content=_bytes(body), headers=_headers(headers))

    @asynccontextmanager
    async def stream(self, body: object = None, **headers: str) -> AsyncIterator[httpx.Response]:
        """One call, left open for reading."""
        async with self.client.stream("POST", COMPLETIONS, content=_bytes(body), headers=_headers(headers)) as response:
            yield response

    async def trace(self) -> Trace:
        """The next completed trace."""
        return await self.store.completed()

    async def trace_of(self, response: httpx.Response) -> Trace:
        """The completed trace of that response's call."""
        trace_id = response.headers.get("x-inference-trace-id")
        assert trace_id is not None, f"a response without a trace: {response.status_code} {response.text[:500]}"
        return await self.store.completed_with_id(trace_id)

    def everything_kept(self) -> str:
        """All that was stored, logged and counted, as text to search in."""
        return repr((self.store.traces, self.store.bodies, self.store.turns, self.log.lines, self.metrics))

    def bodies(self, trace: Trace) -> Bodies:
        """What was kept of a trace's bodies."""
        return self.store.find_bodies(PROJECT, trace.trace_id)


def chat(**fields: Any) -> dict[str, Any]:
    """A small chat completion request."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello?"}], "stream": True} | fields


@asynccontextmanager
async def running_gateway(
    *private_hosts: str,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    policy: Mapping[str, object] | None = None,
    trust: ssl.SSLContext | None = None,
    telemetry: Telemetry | None = None,
    **settings: str,
) -> AsyncIterator[RunningGateway]:
    """A gateway on a free port.

    `settings` are its environment variables in lower case, `environment` stored keys, `policy` the stack's own, `trust`
    the certificates of providers that it accepts, `telemetry` another than one that fills `log` and `metrics`.
    """
    store = AwaitedStore(GatewayKey(digest(KEY), PROJECT, frozenset({Scope.CALL}), datetime(2026, 1, 1, tzinfo=UTC)))
    log, metrics = RecordedLog(), []  # type: tuple[RecordedLog, list[Any]]
    allowed = ",".join(private_hosts)
    names = {
        "TABLE_NAME": "in-memory",
        "PRIVATE_PROVIDER_HOSTS": allowed,
        "DEFAULT_POLICY": json.dumps(policy or {}),
        **{name.upper(): value for name, value in settings.items()},
    }
    upstream = HttpUpstream(PrivateHosts.parse(allowed), trust or _trust())
    telemetry = telemetry or Telemetry(log, lambda values, dimensions: metrics.append((values, dimensions)))
    parts = Dependencies(store, upstream, EnvironmentKeyring(environment or {}), telemetry, clock or Clock(), Random(1))
    async with (
        aclosing(upstream),
        _served(build(Settings.from_env(names), parts)) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, verify=_trust()) as client,
    ):
        yield RunningGateway(url, store, log, client, metrics)


@cache
def _trust() -> ssl.SSLContext:
    """The usual certificates. They are read once, because that takes longer than a call."""
    return ssl.create_default_context(cafile=certifi.where())


@asynccontextmanager
async def _served(app: Callable[..., Any]) -> AsyncIterator[str]:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # connections made before the server has started wait in the backlog
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(chat() if body is None else body).encode()


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {KEY}"} | {name.replace("_", "-"): value for name, value in given.items()}
