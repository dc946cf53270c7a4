"""A failure of TLS at a provider is the provider's failure: it is recorded, counted, and another target answers."""

import ssl
from collections.abc import AsyncIterator

import pytest

from switchboard.domain.trace import Status
from switchboard.domain.usage import UsageSource
from testkit.openai_events import DONE, chunk, finish, role
from testkit.running_gateway import RunningGateway, chat, running_gateway
from testkit.tls_upstream import (
    Step,
    Tls,
    head,
    part,
    tls_upstream,
    tls_upstream_that_wants_a_certificate,
    trusting_clients,
)
from testkit.upstream import Answer, ScriptedUpstream

GOOD = [head(), part(chunk("Hello") + finish() + DONE), part(b"")]
SPOKEN = Answer([chunk("Hi"), finish(), DONE])


@pytest.fixture
async def fallback() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(SPOKEN) as scripted:
        yield scripted


def _metric(gateway: RunningGateway, name: str) -> list[float]:
    return [values[name][1] for values, _ in gateway.metrics if name in values]


IN_MID_STREAM: dict[str, list[Step]] = {
    "garbage": [head(), part(role() + chunk("Hello")), Tls.GARBAGE],
    "garbage within an event": [head(), part(chunk("Hello") + b'data: {"choi'), Tls.GARBAGE],
    "truncated": [head(), part(chunk("Hello")), Tls.TRUNCATED],
}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("script", IN_MID_STREAM.values(), ids=IN_MID_STREAM.keys())
async def test_a_stream_that_tls_breaks_is_a_cut_answer(script: list[Step], version: ssl.TLSVersion) -> None:
    async with (
        tls_upstream(script, version=version) as upstream,
        running_gateway(upstream.host, trust=trusting_clients()) as gateway,
    ):
        response = await gateway.call(x_inference_provider_url=upstream.base_url)
        trace = await gateway.trace_of(response)
        await gateway.log.says("call.completed")
    assert b"Hello" in response.content
    assert b"upstream_cut" in response.content
    assert (trace.status, trace.attempts[0].outcome) == (Status.TRUNCATED, "UpstreamCut")
    assert trace.failure is not None
    assert trace.failure.code == "upstream_cut"
    assert trace.usage.source is UsageSource.ESTIMATED
    assert _metric(gateway, "Errors") == [1]
    assert _metric(gateway, "FailedAttempts") == [1]
    assert "gateway.failed" not in gateway.log.events()


BEFORE_CONTENT: dict[str, list[Step]] = {
    "before the headers": [Tls.GARBAGE],
    "within the headers": [b"HTTP/1.1 200 OK\r\n", Tls.GARBAGE],
    "before the content": [head(), part(role()), Tls.GARBAGE],
    "truncated before the headers": [Tls.TRUNCATED],
}


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("script", BEFORE_CONTENT.values(), ids=BEFORE_CONTENT.keys())
async def test_another_target_answers_where_tls_breaks_before_the_content(
    fallback: ScriptedUpstream, script: list[Step], *, streamed: bool
) -> None:
    async with (
        tls_upstream(script) as upstream,
        running_gateway(
            upstream.host,
            fallback.host,
            trust=trusting_clients(),
            policy={"fallback": ["groq/llama"]},
            provider_base_urls=f"groq={fallback.base_url}",
            keyless_providers="groq",
        ) as gateway,
    ):
        response = await gateway.call(chat(stream=streamed), x_inference_provider_url=upstream.base_url)
        trace = await gateway.trace_of(response)
    assert (response.status_code, trace.status) == (200, Status.OK)
    assert [attempt.outcome for attempt in trace.attempts] == ["UpstreamCut", "ok"]
    assert "gateway.failed" not in gateway.log.events()


async def test_a_whole_answer_that_tls_breaks_is_a_cut_answer() -> None:
    script: list[Step] = [head("application/json", 500), b'{"choices": [{"mess', Tls.GARBAGE]
    async with (
        tls_upstream(script) as upstream,
        running_gateway(upstream.host, trust=trusting_clients(), policy={"max_attempts": 1}) as gateway,
    ):
        response = await gateway.call(chat(stream=False), x_inference_provider_url=upstream.base_url)
        trace = await gateway.trace_of(response)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_cut")
    assert "TLS" in response.text
    assert (trace.status, trace.attempts[0].outcome) == (Status.UPSTREAM_ERROR, "UpstreamCut")


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_wants_a_certificate_of_the_gateway_was_not_reached(
    version: ssl.TLSVersion, *, streamed: bool
) -> None:
    async with (
        tls_upstream_that_wants_a_certificate(version) as upstream,
        running_gateway(upstream.host, trust=trusting_clients(), policy={"max_attempts": 1}) as gateway,
    ):
        response = await gateway.call(chat(stream=streamed), x_inference_provider_url=upstream.base_url)
        trace = await gateway.trace_of(response)
        await gateway.log.says("call.completed")
    assert (response.status_code, response.json()["error"]["code"]) == (502, "connect_failed")
    assert (trace.status, trace.attempts[0].outcome) == (Status.UPSTREAM_ERROR, "ConnectFailed")
    assert trace.usage.source is UsageSource.ABSENT
    assert "no connection to 127.0.0.1: " in (trace.attempts[0].error or "")
    assert _metric(gateway, "Errors") == [1]
    assert upstream.connections == 1
    assert "gateway.failed" not in gateway.log.events()


async def test_a_kept_connection_that_tls_breaks_is_replaced() -> None:
    async with (
        tls_upstream(GOOD, [Tls.GARBAGE], GOOD) as upstream,
        running_gateway(upstream.host, trust=trusting_clients()) as gateway,
    ):
        first = await gateway.call(x_inference_provider_url=upstream.base_url)
        await gateway.trace_of(first)
        second = await gateway.call(x_inference_provider_url=upstream.base_url)
        trace = await gateway.trace_of(second)
    assert (first.content, second.content) == (second.content, first.content)
    assert (trace.status, len(trace.attempts), upstream.connections) == (Status.OK, 1, 2)
