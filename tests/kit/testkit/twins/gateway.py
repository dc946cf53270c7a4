"""The whole gateway in front of the twins: calls name real provider URLs, requests go to the twins on loopback."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, override
from urllib.parse import urlsplit

import httpx

from gateway.api.paths import App
from gateway.assembly import Dependencies, build
from gateway.domain.call import Target
from gateway.recording.telemetry import Telemetry
from gateway.settings import Settings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpResponse, HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.trace import Bodies, Trace
from testkit.containers import served
from testkit.memory_store import MemoryStore
from testkit.twins.provider_twins import KEY, ProviderTwins
from testkit.upstream import ScriptedUpstream

GATEWAY_KEY = "sb-the-key-of-the-conformance-tests"
PROJECT = "acme"
TIMEOUT_S = 10.0


class DiscardingLog:
    """A log that discards every line."""

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Discard the line."""

    warning = error = exception = info


class WatchedStore(MemoryStore):
    """A store that another thread can wait for."""

    def __init__(self, *keys: GatewayKey) -> None:
        super().__init__(*keys)
        self._changed = threading.Condition()

    @override
    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        with self._changed:
            super().complete_trace(trace, bodies)
            self._changed.notify_all()

    def completed(self, trace_id: str) -> Trace:
        """That trace, once it is complete. Raises KeyError after ten seconds."""
        with self._changed:
            self._changed.wait_for(lambda: ("complete_trace", trace_id) in self.events, TIMEOUT_S)
            return self.traces[PROJECT, trace_id]


@dataclass(slots=True)
class RedirectedUpstream:
    """Sends every request to the twins, and records the providers' URLs.

    Host names are not resolved, so no test depends on the internet; the rest is the gateway's own client.
    """

    twins_host: str
    urls: list[str] = field(default_factory=list)
    _inner: HttpUpstream = field(init=False)

    def __post_init__(self) -> None:
        self._inner = HttpUpstream(PrivateHosts.parse(self.twins_host))

    async def send(
        self, target: Target, body: bytes, headers: Mapping[str, str], waiting: Callable[[], None]
    ) -> HttpResponse:
        """POST to the twins in place of the target."""
        self.urls.append(target.url)
        true = urlsplit(target.url)
        query = f"?{true.query}" if true.query else ""
        there = replace(target, url=f"http://{self.twins_host}/{true.hostname}{true.path}{query}")
        return await self._inner.send(there, body, headers, waiting)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class TwinGateway:
    """The gateway on a port, the twins behind it, and its store. `client` calls it with the gateway key."""

    url: str
    twins: ProviderTwins
    store: WatchedStore
    upstream: RedirectedUpstream
    client: httpx.Client

    def trace(self, response: httpx.Response) -> Trace:
        """The trace of the call."""
        return self.store.completed(response.headers["x-inference-trace-id"])


@dataclass(frozen=True, slots=True)
class _Closing:
    """An application that closes the upstream on the server's own loop, when it is asked for `/closing`."""

    app: App
    upstream: RedirectedUpstream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == "/closing":
            await self.upstream.aclose()
        await self.app(scope, receive, send)


@contextmanager
def twin_gateway(**settings: str) -> Iterator[TwinGateway]:
    """A gateway in front of all twins, until the block ends. `settings` are its environment variables in lower case."""
    twins = ProviderTwins()
    with ScriptedUpstream(respond=twins.respond) as server:
        upstream = RedirectedUpstream(server.host)
        store = WatchedStore(a_key(GATEWAY_KEY))
        app = _Closing(twin_app(store, upstream, **settings), upstream)
        with served(app, "127.0.0.1") as port:
            url = f"http://127.0.0.1:{port}"
            with httpx.Client(
                base_url=url, timeout=TIMEOUT_S, headers={"authorization": f"Bearer {GATEWAY_KEY}"}, trust_env=False
            ) as client:
                yield TwinGateway(url, twins, store, upstream, client)
                client.get("/closing")


def a_key(text: str) -> GatewayKey:
    """A gateway key of the tests' project."""
    return GatewayKey(digest(text), PROJECT, frozenset({Scope.CALL}), datetime(2026, 1, 1, tzinfo=UTC))


def twin_app(store: MemoryStore, upstream: RedirectedUpstream, **settings: str) -> App:
    """The gateway's application with that store and upstream."""
    environment = {"TABLE_NAME": "in-memory", "DEFAULT_POLICY": '{"max_attempts": 1}'} | {
        name.upper(): value for name, value in settings.items()
    }
    telemetry = Telemetry(DiscardingLog(), lambda _values, _dimensions: None)
    parts = Dependencies(store, upstream, EnvironmentKeyring({}), telemetry, random=Random(1))
    return build(Settings.from_env(environment), parts)


def headers_for(base_url: str, **others: str) -> dict[str, str]:
    """A call's headers for that provider URL, with the twins' key. Header names take `_` for `-`."""
    given = {name.replace("_", "-"): value for name, value in others.items()}
    return {"x-inference-provider-url": base_url, "x-inference-provider-api-key": KEY} | given
