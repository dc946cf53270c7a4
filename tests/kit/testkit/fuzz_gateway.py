"""The gateway called in this process, before a provider that answers as it is told; what must hold of every call."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from gateway.api.paths import App
from gateway.assembly import Dependencies, build
from gateway.domain.call import Target
from gateway.recording.telemetry import Telemetry
from gateway.settings import Settings
from gateway.upstream.keyring import EnvironmentKeyring
from testkit.fuzz_checks import (
    Asked,
    Heard,
    Said,
    faults_of_answer,
    faults_of_record,
    faults_of_refusal,
    faults_of_request,
)
from testkit.memory_store import MemoryStore
from testkit.openai_events import DONE, chunk, finish, role
from testkit.twins.gateway import GATEWAY_KEY, DiscardingLog, a_key

JSON_TYPE = "application/json"


def routed(row: str) -> dict[str, bytes]:
    """The headers by which a call is served under a row."""
    if row == "anthropic-openai":  # a name means the last row that has it
        return {"x-inference-provider-url": b"https://api.anthropic.com/v1", "x-inference-provider-api-key": b"sk"}
    url = b"https://llm.example.com/v1"
    return {"x-inference-provider": row.encode(), "x-inference-provider-url": url, "x-inference-provider-api-key": b"s"}


GOOD_STREAM = Said((role(), chunk("Hello."), finish(), DONE))


@dataclass(slots=True)
class _Response:
    said: Said

    @property
    def status(self) -> int:
        return self.said.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.said.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.said.pieces:
            yield piece

    async def aclose(self) -> None:
        return


@dataclass(slots=True)
class ToldUpstream:
    """A provider that answers what it is told, and remembers the last request."""

    said: Said = GOOD_STREAM
    sent: bytes | None = None
    sent_headers: Mapping[str, str] = field(default_factory=dict)

    async def send(
        self, target: Target, body: bytes, headers: Mapping[str, str], request_sent: Callable[[], None]
    ) -> _Response:
        """Take the request, if an HTTP client could send it; give the answer."""
        httpx.Request("POST", target.url, content=body, headers=dict(headers))
        self.sent, self.sent_headers = body, headers
        request_sent()
        return _Response(self.said)


@dataclass(slots=True)
class FuzzedGateway:
    """One gateway for many calls, on a loop of its own; use it in a `with` block."""

    upstream: ToldUpstream = field(default_factory=ToldUpstream)
    store: MemoryStore = field(default_factory=lambda: MemoryStore(a_key(GATEWAY_KEY)))
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    _app: App = field(init=False)

    def __post_init__(self) -> None:
        settings = Settings.from_env({"TABLE_NAME": "in-memory", "DEFAULT_POLICY": '{"max_attempts": 1}'})
        telemetry = Telemetry(DiscardingLog(), lambda _values, _dimensions: None)
        parts = Dependencies(self.store, self.upstream, EnvironmentKeyring({}), telemetry, random=Random(1))
        self._app = build(settings, parts)

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()

    def call(self, asked: Asked, said: Said = GOOD_STREAM) -> Heard:
        """One call to its end, its record included."""
        self.store.traces.clear()
        self.store.bodies.clear()
        self.store.turns.clear()
        self.upstream.said, self.upstream.sent = said, None
        return self._runner.run(_call(self._app, asked))

    def faults(self, asked: Asked, said: Said = GOOD_STREAM) -> list[str]:
        """What is wrong with a call, in words; none where all that must hold does."""
        heard = self.call(asked, said)
        return [
            *faults_of_answer(heard),
            *faults_of_refusal(asked, heard),
            *faults_of_request(self.upstream.sent, self.upstream.sent_headers),
            *faults_of_record(heard, self.store.traces),
        ]


async def _call(app: App, asked: Asked) -> Heard:
    told = {"authorization": f"Bearer {GATEWAY_KEY}".encode(), "content-type": JSON_TYPE.encode()}
    headers = [(name.encode(), value) for name, value in (told | dict(asked.headers)).items()]
    path = "/v1/chat/completions"
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "server": ("localhost", 80)}
    inbox = [{"type": "http.request", "body": asked.body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return inbox.pop() if inbox else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    failure = ""
    try:
        await app(scope, receive, send)
    except Exception as failed:  # noqa: BLE001 - a server would answer 500 and log it
        failure = f"{type(failed).__name__}: {failed}"
    if failure or not sent:
        return Heard(500, (), failure.encode("utf-8", "backslashreplace"))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Heard(sent[0]["status"], tuple(tuple(pair) for pair in sent[0]["headers"]), body)
