"""The headers of every answer: they are the gateway's own, name the call, and carry any task id."""

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from random import Random

import httpx
import pytest

from gateway.assembly import Dependencies, build
from gateway.recording.telemetry import Telemetry
from gateway.settings import Settings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.trace import Status
from testkit.memory_store import MemoryStore
from testkit.openai_events import DONE, chunk, completion, error, finish, role
from testkit.running_gateway import KEY, PROJECT, RecordedLog, chat
from testkit.upstream import Answer, End, Framing, ScriptedUpstream, json_answer

pytestmark = pytest.mark.anyio

SPOKEN = [role(), chunk("Hello!"), finish(), DONE]


class InProcess:
    """The gateway called over ASGI: a server of Python's refuses headers that HTTP cannot carry."""

    def __init__(self, client: httpx.AsyncClient, store: MemoryStore, log: RecordedLog, base_url: str) -> None:
        self.client, self.store, self.log, self._base_url = client, store, log, base_url

    async def call(self, body: object = None, *, path: str = "/v1/chat/completions", **headers: str) -> httpx.Response:
        """A call to the scripted provider; `body` is JSON, or bytes as they are. `_` in a header's name is `-`."""
        told = {
            "authorization": f"Bearer {KEY}",
            "x-inference-provider-url": self._base_url,
            "x-inference-provider-api-key": "sk-provider",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(chat(stream=False) if body is None else body).encode()
        sent = {name.encode(): value.encode() for name, value in told.items() if value}
        return await self.client.post(path, content=content, headers=sent)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """The provider."""
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture
async def gateway(upstream: ScriptedUpstream) -> AsyncIterator[InProcess]:
    """The gateway, with a store in memory."""
    upstream.answers(json_answer(completion("Hello!")))
    key = GatewayKey(digest(KEY), PROJECT, frozenset({Scope.CALL}), datetime(2026, 1, 1, tzinfo=UTC))
    store, log = MemoryStore(key), RecordedLog()
    http = HttpUpstream(PrivateHosts.parse(upstream.host))
    parts = Dependencies(store, http, EnvironmentKeyring({}), Telemetry(log, lambda *_: None), random=Random(1))
    app = build(Settings("in-memory", private_provider_hosts=upstream.host), parts)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
        yield InProcess(client, store, log, upstream.base_url)
    await http.aclose()


@pytest.mark.parametrize("task_id", ["予約", "Grüße", "🎉"])
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"messages": []}, {}, 400),
        (b"not JSON", {}, 400),
        (None, {"x_inference_provider": "nobody"}, 400),
        (None, {"x_inference_provider_url": "https://169.254.169.254"}, 403),
        (b" " * (6 * 1024 * 1024 + 1), {}, 413),
        (None, {"content_encoding": "br"}, 415),
        (None, {}, 200),
        (chat(stream=True), {}, 200),
    ],
)
async def test_a_task_id_of_any_script_is_told_and_recorded(
    gateway: InProcess, task_id: str, body: object, headers: dict[str, str], status: int
) -> None:
    answer = await gateway.call(body, x_inference_task_id=task_id, **headers)
    assert answer.status_code == status
    assert answer.headers["x-inference-task-id"] == task_id.encode("latin-1", "backslashreplace").decode("latin-1")
    [trace] = gateway.store.traces.values()
    assert (trace.task_id, trace.trace_id) == (task_id, answer.headers["x-inference-trace-id"])
    assert trace.status is (Status.OK if status == 200 else Status.REFUSED)


async def test_a_failed_calls_task_id_is_told_too(gateway: InProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"error": {"message": "no"}}, 400))
    answer = await gateway.call(x_inference_task_id="予約")
    assert (answer.status_code, answer.headers["x-inference-task-id"]) == (400, r"\u4e88\u7d04")


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (None, 200),
        (json_answer({"error": {"message": "no"}}, 400), 400),
        (json_answer({"error": {"message": "no"}}, 401), 424),
        (json_answer({"error": {"message": "no"}}, 503), 502),
        (Answer([error("overloaded")]), 502),
    ],
)
async def test_every_answer_to_a_call_has_the_trace_id_as_its_request_id(
    gateway: InProcess, upstream: ScriptedUpstream, answer: Answer | None, status: int, streamed: bool
) -> None:
    upstream.answers(answer or (Answer(SPOKEN) if streamed else json_answer(completion("Hello!"))))
    told = await gateway.call(chat(stream=streamed))
    assert told.status_code == status
    [trace] = gateway.store.traces.values()
    assert told.headers["x-request-id"] == told.headers["x-inference-trace-id"] == trace.trace_id
    assert (told.headers.get("x-inference-error") is None) is (status == 200)
    assert told.headers["x-content-type-options"] == "nosniff"


async def test_the_error_event_of_a_stream_has_the_request_id(gateway: InProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), chunk("Hello"), error("overloaded")]))
    told = await gateway.call(chat(stream=True))
    last = json.loads(told.content.removesuffix(b"\n\n").rpartition(b"data: ")[2])
    assert last["error"]["request_id"] == told.headers["x-request-id"]
    assert b"[DONE]" not in told.content


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/v1/models/gpt-4o", 200),
        ("GET", "/v1/models/nothing", 404),
        ("POST", "/v1/responses", 404),
        ("GET", "/nothing", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/chat/completions", 401),
    ],
)
async def test_every_other_answer_has_an_id_of_its_own(gateway: InProcess, method: str, path: str, status: int) -> None:
    answers = [await gateway.client.request(method, path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert len({answer.headers["x-request-id"] for answer in answers} - {""}) == 2
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}


async def test_the_gateways_own_failure_is_found_by_its_id(gateway: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_body: bytes, _max_messages: int) -> None:
        raise RuntimeError("a fault of the gateway")

    monkeypatch.setattr("gateway.api.app.parse_chat", fail)
    told = await gateway.call()
    assert (told.status_code, told.json()["error"]["code"]) == (500, "internal_error")
    assert [fields["trace_id"] for _, event, fields in gateway.log.lines if event == "gateway.failed"] == [
        told.headers["x-request-id"]
    ]


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "application/json\x01", "", "image/svg+xml"])
async def test_the_content_type_is_the_gateways_own(gateway: InProcess, upstream: ScriptedUpstream, kind: str) -> None:
    body = json.dumps(completion("<script>alert(1)</script>")).encode()
    upstream.answers(Answer([body], 200, {"content-type": kind} if kind else {}, framing=Framing.LENGTH))
    told = await gateway.call()
    assert (told.status_code, told.headers["content-type"]) == (200, "application/json")
    upstream.answers(Answer(SPOKEN, 200, {"content-type": kind} if kind else {}))
    told = await gateway.call(chat(stream=True))
    assert (told.status_code, told.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"retry-after-ms": "1500"}, ("2", "1500")),
        ({"retry-after-ms": "1500", "retry-after": "9"}, ("2", "1500")),
        ({"retry-after": "7"}, ("7", "7000")),
        ({"retry-after": "soon"}, (None, None)),
        ({"retry-after": "7\x01"}, (None, None)),
        ({"retry-after": "1e400"}, ("2592000", "2592000000")),
    ],
)
async def test_a_pause_is_passed_on_as_numbers(
    gateway: InProcess, upstream: ScriptedUpstream, headers: dict[str, str], told: tuple[str | None, str | None]
) -> None:
    upstream.answers(json_answer({"error": {"message": "slow down"}}, 409, headers))  # which is not repeated
    answer = await gateway.call()
    assert answer.status_code == 409
    assert (answer.headers.get("retry-after"), answer.headers.get("retry-after-ms")) == told


async def test_a_compressed_request_is_answered_and_kept_as_text(gateway: InProcess) -> None:
    body = json.dumps(chat(stream=False)).encode()
    told = await gateway.call(gzip.compress(body), content_encoding="gzip")
    assert told.status_code == 200
    [kept] = gateway.store.bodies.values()
    assert kept.request == body


async def test_a_compressed_request_that_is_cut_is_malformed(gateway: InProcess) -> None:
    told = await gateway.call(gzip.compress(b"{}" * 99)[:20], content_encoding="gzip")
    assert (told.status_code, told.json()["error"]["code"]) == (400, "body_malformed")


async def test_an_answer_that_is_cut_names_the_call(gateway: InProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), chunk("Hello"), End.CLOSE]))
    told = await gateway.call(chat(stream=True))
    assert told.headers["x-request-id"].encode() in told.content
