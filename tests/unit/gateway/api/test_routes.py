import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import httpx
import pytest

from gateway.api import app
from gateway.api.credentials import PROJECT_KEY_HEADERS
from gateway.api.models import MODELS
from gateway.assembly import Dependencies, build
from gateway.recording.telemetry import Telemetry
from gateway.settings import Settings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.keys import GatewayKey, Scope, digest, key_id
from switchboard.domain.limits import MAX_BODY_BYTES
from switchboard.domain.trace import Status
from testkit.memory_store import MemoryStore
from testkit.openai_events import DONE, chunk, completion, finish
from testkit.running_gateway import KEY, PROJECT, RecordedLog, chat
from testkit.upstream import Answer, ScriptedUpstream, json_answer

JOINED_PATHS = [
    "/v1/chat/completions",
    "/chat/completions",
    "/v1/v1/chat/completions",
    "/chat/completions/chat/completions",
    "/v1/chat/completions/chat/completions",
    "/v1/chat/completions/v1/chat/completions",
    "/v1/chat/completions/",
    "//v1//chat/completions//",
    "//chat/completions",
]
CANARY = "canary-0123456789abcdef"
MINIMAL = [
    {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": False},
    {"model": "m", "messages": []},
    {"model": "m", "messages": [{"role": "user", "content": None}], "max_tokens": -1, "temperature": None},
    {"model": "m", "messages": [{"role": "assistant", "content": "Are you there?"}], "tools": []},
    {"model": "m", "messages": [{"role": "user", "content": "hi"}], "elevenlabs_extra_body": {}, "user_id": "u"},
]


@dataclass(frozen=True, slots=True)
class InProcess:
    """The gateway called in process over ASGI, a scripted provider, the store and the log."""

    client: httpx.AsyncClient
    store: MemoryStore
    log: RecordedLog
    upstream: ScriptedUpstream

    async def post(self, path: str = "/v1/chat/completions", body: object = None, **headers: str) -> httpx.Response:
        """One call to the scripted provider. Header names have `_` for `-`; an empty header is not sent."""
        named = {
            "authorization": f"Bearer {KEY}",
            "x-inference-provider-url": self.upstream.base_url,
            "x-inference-provider-api-key": "sk-provider",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in named.items() if value}
        content = body if isinstance(body, bytes) else json.dumps(chat(stream=False) if body is None else body).encode()
        return await self.client.post(path, content=content, headers=sent)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """One scripted provider for all tests of the module; each test sets its answers."""
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="module")
async def opened(upstream: ScriptedUpstream) -> AsyncIterator[InProcess]:
    """The gateway as deployed, with a store in memory."""
    key = GatewayKey(digest(KEY), PROJECT, frozenset({Scope.CALL}), datetime(2026, 1, 1, tzinfo=UTC))
    reader = GatewayKey(digest("sb-reader"), PROJECT, frozenset({Scope.READ}), datetime(2026, 1, 1, tzinfo=UTC))
    store, log = MemoryStore(key, reader), RecordedLog()
    http = HttpUpstream(PrivateHosts.parse(upstream.host))
    telemetry = Telemetry(log, lambda _values, _dimensions: None)
    settings = Settings("in-memory", private_provider_hosts=upstream.host)
    app = build(settings, Dependencies(store, http, EnvironmentKeyring({}), telemetry, random=Random(1)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as client:
        yield InProcess(client, store, log, upstream)
    await http.aclose()


@pytest.fixture
def gateway(opened: InProcess) -> InProcess:
    """The gateway, with an empty store and log."""
    for memory in (opened.store.traces, opened.store.bodies, opened.log.lines, opened.upstream.requests):
        memory.clear()
    opened.upstream.answers(json_answer(completion("Hello!")))
    return opened


def _error(response: httpx.Response, status: int, code: str) -> str:
    """The message of an error in OpenAI's format."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"]
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    message: str = error["message"]
    return message


@pytest.mark.parametrize("path", JOINED_PATHS)
async def test_a_call_to_every_joined_path_is_answered(gateway: InProcess, path: str) -> None:
    response = await gateway.post(f"http://gateway.test{path}")
    assert response.status_code == 200
    assert response.json() == completion("Hello!")


async def test_a_streamed_call_to_a_joined_path_is_answered(gateway: InProcess) -> None:
    gateway.upstream.answers(Answer([chunk("Hel"), chunk("lo"), finish(), DONE]))
    response = await gateway.post("/chat/completions/chat/completions", chat(stream=True))
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content == chunk("Hel") + chunk("lo") + finish() + DONE


@pytest.mark.parametrize("body", MINIMAL)
async def test_a_connection_test_is_answered(gateway: InProcess, body: dict[str, object]) -> None:
    assert (await gateway.post(body=body)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/chat/completions", "/v1/embeddings", "/docs", "/openapi.json"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_path_is_a_404_that_names_the_route(gateway: InProcess, method: str, path: str) -> None:
    response = await gateway.client.request(method, path)
    assert "POST /v1/chat/completions" in _error(response, 404, "route_unknown")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("PUT", "/chat/completions"),
        ("DELETE", "/v1/v1/chat/completions/"),
        ("POST", "/v1/models"),
        ("POST", "/health"),
    ],
)
async def test_a_wrong_method_is_a_405_in_openais_format(gateway: InProcess, method: str, path: str) -> None:
    _error(await gateway.client.request(method, path), 405, "method_refused")


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/v1/models/", "/v1/v1/models"])
async def test_models_are_listed_without_a_key(gateway: InProcess, path: str) -> None:
    response = await gateway.client.get(path)
    assert response.status_code == 200
    assert [row["id"] for row in response.json()["data"]] == [model.name for model in MODELS]


@pytest.mark.parametrize("path", ["/health", "/health/", "/v1/health"])
async def test_health_needs_no_key(gateway: InProcess, path: str) -> None:
    assert (await gateway.client.get(path)).json() == {"status": "ok"}
    assert (await gateway.client.head(path)).status_code == 200


async def test_without_a_key_nothing_is_sent_upstream(gateway: InProcess) -> None:
    _error(await gateway.post(authorization=""), 401, "key_missing")
    _error(await gateway.post(authorization="Bearer sb-nobody"), 401, "key_unknown")
    _error(await gateway.post(authorization="Bearer sk-provider"), 401, "key_unknown")
    _error(await gateway.post(authorization="Bearer sb-reader"), 403, "scope_missing")
    assert gateway.upstream.requests == []
    assert gateway.store.traces == {}
    assert [fields["key_id"] for _, event, fields in gateway.log.lines if event == "call.refused"] == [
        None,
        key_id(digest("sb-nobody")),
        key_id(digest("sk-provider")),
        key_id(digest("sb-reader")),
    ]


@pytest.mark.parametrize("name", ["api_key", "key", "authorization", *PROJECT_KEY_HEADERS])
async def test_a_key_in_the_query_is_not_accepted(gateway: InProcess, name: str) -> None:
    response = await gateway.post(f"/v1/chat/completions?{name}={KEY}", authorization="")
    _error(response, 401, "key_missing")
    assert KEY not in response.text


@pytest.mark.parametrize("name", PROJECT_KEY_HEADERS)
async def test_with_a_gateway_key_header_authorization_is_sent_upstream(gateway: InProcess, name: str) -> None:
    response = await gateway.post(
        authorization="Bearer sk-in-authorization", x_inference_provider_api_key="", **{name: KEY}
    )
    assert response.status_code == 200
    (request,) = gateway.upstream.requests
    assert request.headers["authorization"] == "Bearer sk-in-authorization"
    assert KEY not in str(request.headers)


async def test_the_gateway_key_is_never_sent_upstream(gateway: InProcess) -> None:
    await gateway.post(x_inference_provider_api_key="")
    (request,) = gateway.upstream.requests
    assert "authorization" not in request.headers
    assert KEY not in str(request.headers)
    assert not [name for name in request.headers if name.startswith("x-inference")]


async def test_an_answer_has_headers_for_trace_and_task(gateway: InProcess) -> None:
    for response, status in (
        (await gateway.post(x_inference_task_id="booking"), Status.OK),
        (await gateway.post(x_inference_task_id="booking", body={"model": "m"}), Status.REFUSED),
    ):
        trace = gateway.store.traces[PROJECT, response.headers["x-inference-trace-id"]]
        assert (trace.task_id, trace.status) == ("booking", status)
        assert response.headers["x-inference-task-id"] == "booking"


async def test_a_refused_request_is_traced_with_its_reason(gateway: InProcess) -> None:
    response = await gateway.post(body={"model": "m"}, x_inference_colour="red")
    message = _error(response, 400, "body_malformed")
    (trace,) = gateway.store.traces.values()
    assert trace.failure is not None
    assert (trace.failure.code, trace.failure.message) == ("body_malformed", message)
    assert trace.notes == ("ignored header x-inference-colour",)


async def test_a_fault_of_the_gateways_own_before_the_call_leaves_a_trace(
    gateway: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = RuntimeError("nobody has thought of sk-canary-0123456789")

    def break_down(_headers: object) -> None:
        raise raised

    monkeypatch.setattr(app, "read_route", break_down)
    response = await gateway.post(x_inference_task_id="booking", x_inference_provider_api_key="sk-canary-0123456789")
    _error(response, 500, "internal_error")
    trace = gateway.store.traces[PROJECT, response.headers["x-inference-trace-id"]]
    assert trace.failure is not None
    assert (trace.task_id, trace.status, trace.failure.code) == ("booking", Status.REFUSED, "internal_error")
    assert gateway.log.events() == ["gateway.failed", "call.completed"]
    assert str(raised) == "nobody has thought of ***"  # as it is logged


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x_inference_provider": "acme"}, 400, "header_malformed"),
        ({"x_inference_capture": "all"}, 400, "header_malformed"),
        ({"x_inference_ttft_timeout_ms": "4s"}, 400, "header_malformed"),
        ({"x_inference_ttft_timeout_ms": "9" * 5000}, 400, "header_malformed"),
        ({"x_inference_task_id": "x" * 257}, 400, "header_malformed"),
        ({"x_inference_provider_url": "http://169.254.169.254/"}, 403, "provider_url_refused"),
        ({"x_inference_provider_url": "https://[::ffff:127.0.0.1]/v1"}, 403, "provider_url_refused"),
        ({"x_inference_provider_url": "not a url"}, 403, "provider_url_refused"),
        ({"x_inference_provider_url": ""}, 400, "provider_unknown"),
        ({"x_inference_provider_url": "", "x_inference_provider": "azure"}, 400, "provider_unknown"),
    ],
)
async def test_malformed_headers_are_refused(
    gateway: InProcess, headers: dict[str, str], status: int, code: str
) -> None:
    _error(await gateway.post(body={"model": "m", "messages": []}, **headers), status, code)
    assert gateway.upstream.requests == []


async def test_a_body_over_the_limit_is_refused(gateway: InProcess) -> None:
    _error(await gateway.post(body=b" " * (MAX_BODY_BYTES + 1)), 413, "body_too_large")
    _error(await gateway.post(body=b" " * MAX_BODY_BYTES), 400, "body_malformed")


@pytest.mark.parametrize(
    "header", ["authorization", *PROJECT_KEY_HEADERS, "x-inference-provider-api-key", "x-inference-key-groq"]
)
@pytest.mark.parametrize("status", [200, 401])
async def test_a_key_in_any_header_is_neither_stored_nor_sent_back(
    gateway: InProcess, header: str, status: int
) -> None:
    message = f"Incorrect API key provided: {CANARY} ({KEY})"
    gateway.upstream.answers(
        json_answer(completion(message) if status == 200 else {"error": {"message": message}}, status)
    )
    # If the canary is in Authorization, the gateway key is sent in another header.
    others = {"x-inference-project-api-key": KEY} if header == "authorization" else {}
    response = await gateway.post(**{header: CANARY} | others)
    kept = repr((gateway.store.traces, gateway.store.bodies, gateway.log.lines))
    assert "call." in kept
    assert CANARY not in kept
    assert KEY not in kept
    assert response.status_code == 200 or CANARY not in response.text


async def test_an_unread_header_is_not_stored(gateway: InProcess) -> None:
    await gateway.post(x_inference_colour=CANARY, x_other=CANARY)
    assert gateway.store.bodies
    assert CANARY not in repr(
        (gateway.store.traces, gateway.store.bodies, gateway.log.lines, gateway.upstream.requests)
    )
