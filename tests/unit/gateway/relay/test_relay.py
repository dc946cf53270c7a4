"""The relay with a real HTTP server and a scripted provider: what the caller gets, and what is stored."""

import json
from collections.abc import AsyncIterator

import pytest

from gateway.domain.call import Capture
from switchboard.domain.trace import Status
from switchboard.domain.usage import Tokens, UsageSource
from testkit.openai_events import DONE, chunk, completion, error, event, finish, role, tool_call, usage, usage_object
from testkit.running_gateway import RunningGateway, chat, running_gateway
from testkit.upstream import Answer, End, Framing, Gate, ScriptedUpstream, Step, json_answer

SPOKEN = [role(), chunk("Hel"), chunk("lo"), finish(), DONE]
ONE_ATTEMPT = {"max_attempts": 1, "plan_timeout_ms": 900}
KEEP_ALIVES: list[Step] = [b": keep-alive\n\n", 0.05] * 200


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
async def gateway(upstream: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with running_gateway(upstream.host, policy=ONE_ATTEMPT, stall_timeout_ms="900") as running:
        yield running


def at(upstream: ScriptedUpstream) -> dict[str, str]:
    """The headers of a call to that upstream."""
    return {"x_inference_provider_url": upstream.base_url, "x_inference_provider_api_key": "sk-upstream"}


async def test_a_stream_is_passed_on_byte_for_byte(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer(SPOKEN))
    response = await gateway.call(**at(upstream))
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content == b"".join(SPOKEN)
    trace = await gateway.trace()
    assert (trace.status, trace.finish_reason, trace.streamed) == (Status.OK, "stop", True)
    assert gateway.bodies(trace).response == b"".join(SPOKEN)
    assert gateway.bodies(trace).request == json.dumps(chat()).encode()


@pytest.mark.parametrize("size", [1, 2, 7, 64])
async def test_a_stream_split_anywhere_is_passed_on_unchanged(
    gateway: RunningGateway, upstream: ScriptedUpstream, size: int
) -> None:
    whole = b"".join([role(), chunk("Grüße, 世界 👋"), finish(), DONE])
    upstream.answers(Answer([whole[i : i + size] for i in range(0, len(whole), size)]))
    response = await gateway.call(**at(upstream))
    assert response.content == whole
    trace = await gateway.trace()
    assert trace.status is Status.OK
    assert trace.usage.tokens is not None
    assert trace.usage.source is UsageSource.ESTIMATED


async def test_every_chunk_is_sent_before_the_next_one_arrives(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    gate = Gate()
    upstream.answers(Answer([chunk("first"), gate, chunk("second"), finish(), DONE]))
    async with gateway.stream(**at(upstream)) as response:
        chunks = response.aiter_raw()
        assert await anext(chunks) == chunk("first")
        gate.open()
        assert b"".join([piece async for piece in chunks]) == chunk("second") + finish() + DONE


async def test_nothing_is_sent_before_the_first_content(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), event({"error": {"message": "overloaded", "code": "529"}})]))
    response = await gateway.call(**at(upstream))
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_reported"
    assert "overloaded" in response.json()["error"]["message"]


async def test_a_tool_call_is_a_first_token(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    gate = Gate()
    parts = [tool_call("", name="end_call", call_id="call_1"), tool_call('{"reason":'), tool_call('"done"}')]
    upstream.answers(Answer([role(), parts[0], gate, *parts[1:], finish("tool_calls"), DONE]))
    async with gateway.stream(**at(upstream)) as response:
        chunks = response.aiter_raw()
        assert parts[0] in await anext(chunks)
        gate.open()
        rest = b"".join([piece async for piece in chunks])
    assert rest == b"".join([*parts[1:], finish("tool_calls"), DONE])
    trace = await gateway.trace()
    assert trace.finish_reason == "tool_calls"
    assert trace.ttft_ms is not None


@pytest.mark.alone
async def test_the_time_to_first_token_ignores_the_role(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), 0.15, chunk("Hi"), finish(), DONE]))
    await gateway.call(**at(upstream))
    trace = await gateway.trace()
    assert trace.ttft_ms is not None
    assert trace.duration_ms is not None
    assert 150 <= trace.ttft_ms <= trace.duration_ms
    assert trace.gateway_ms is not None
    assert trace.gateway_ms < 150  # without the wait for the provider


@pytest.mark.parametrize("is_asked_for", [True, False, None])
async def test_usage_is_sent_only_if_asked_for_and_always_traced(
    gateway: RunningGateway, upstream: ScriptedUpstream, is_asked_for: bool | None
) -> None:
    upstream.answers(Answer([*SPOKEN[:-1], usage(30, 2, prompt_tokens_details={"cached_tokens": 20}), DONE]))
    options = {} if is_asked_for is None else {"stream_options": {"include_usage": is_asked_for}}
    response = await gateway.call(chat(**options), **at(upstream))
    assert (b'"usage"' in response.content) is (is_asked_for is True)
    assert response.content.endswith(DONE)
    assert (await upstream.request()).json["stream_options"] == {"include_usage": True}
    trace = await gateway.trace()
    assert trace.usage.source is UsageSource.PROVIDER
    assert trace.usage.tokens == Tokens(fresh_input=10, cache_read=20, output=2)


async def test_cumulative_usage_in_every_chunk_is_counted_once(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    counted = [
        event(
            {
                **json.loads(chunk("a").removeprefix(b"data: ")),
                "usage": {"prompt_tokens": 5, "completion_tokens": n, "total_tokens": 5 + n},
            }
        )
        for n in (1, 2, 3)
    ]
    upstream.answers(Answer([*counted, finish(), DONE]))
    assert (await gateway.call(**at(upstream))).content == b"".join([*counted, finish(), DONE])
    assert (await gateway.trace()).usage.tokens == Tokens(fresh_input=5, output=3)


async def test_a_bill_in_the_answer_is_stored(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    told = event({"id": "gen-1", "choices": [], "usage": usage_object(30, 2, cost=0.0012)})
    upstream.answers(Answer([*SPOKEN[:-1], told, DONE]))
    await gateway.call(**at(upstream), x_inference_provider="openrouter")
    assert (await gateway.trace()).usage.billed_pico_usd == 1_200_000_000
    await gateway.call(**at(upstream))
    assert (await gateway.trace()).usage.billed_pico_usd is None


async def test_a_whole_completion_is_passed_on_byte_for_byte(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    upstream.answers(json_answer(completion("Good day.")))
    response = await gateway.call(chat(stream=False), **at(upstream))
    assert response.content == json.dumps(completion("Good day.")).encode()
    assert "total;dur=" in response.headers["server-timing"]
    assert "stream_options" not in (await upstream.request()).json
    trace = await gateway.trace()
    assert (trace.status, trace.streamed, trace.ttft_ms) == (Status.OK, False, None)
    assert trace.usage.tokens == Tokens(fresh_input=3, output=2)
    assert gateway.bodies(trace).response == response.content


async def test_a_whole_tool_call_is_an_answer(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "skip_turn", "arguments": "{}"}}
    upstream.answers(json_answer(completion(None, finish_reason="tool_calls", tool_calls=[call])))
    response = await gateway.call(chat(stream=False), **at(upstream))
    assert response.json()["choices"][0]["message"]["tool_calls"] == [call]


async def test_the_response_headers_have_the_trace_id(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer(SPOKEN))
    response = await gateway.call(**at(upstream), x_inference_task_id="bookings")
    trace = await gateway.trace()
    assert response.headers["x-inference-trace-id"] == trace.trace_id
    assert response.headers["x-inference-task-id"] == trace.task_id == "bookings"
    timings = dict(part.split(";dur=") for part in response.headers["server-timing"].split(", "))
    assert timings.keys() == {"auth", "gateway", "upstream"}
    assert all(float(ms) >= 0 for ms in timings.values())


FAILED = {
    "role, then silence": (Answer([role(), End.HANG]), 504, "first_token_late", Status.TIMEOUT),
    "headers, then silence": (Answer([End.HANG]), 504, "first_token_late", Status.TIMEOUT),
    "silence": (Answer(before_headers=[End.HANG]), 504, "first_token_late", Status.TIMEOUT),
    "keep-alives only": (Answer(KEEP_ALIVES), 504, "first_token_late", Status.TIMEOUT),
    "error event first": (Answer([error("overloaded")]), 502, "upstream_reported", Status.UPSTREAM_ERROR),
    "empty": (Answer([role(), finish(), DONE]), 502, "empty_completion", Status.UPSTREAM_ERROR),
    "nothing at all": (Answer([]), 502, "empty_completion", Status.UPSTREAM_ERROR),
    "reasoning only": (
        Answer([chunk(reasoning_content="Hm."), finish(), DONE]),
        502,
        "empty_completion",
        Status.UPSTREAM_ERROR,
    ),
    "cut before content": (Answer([role(), End.CLOSE]), 502, "upstream_cut", Status.UPSTREAM_ERROR),
    "reset before content": (Answer([role(), End.RESET]), 502, "upstream_cut", Status.UPSTREAM_ERROR),
    "closed without an answer": (Answer(before_headers=[End.CLOSE]), 502, "upstream_cut", Status.UPSTREAM_ERROR),
    "500": (json_answer({"error": {"message": "boom"}}, 500), 502, "upstream_rejected", Status.UPSTREAM_ERROR),
    "503 in plain text": (
        Answer([b"down for maintenance"], 503, {}, framing=Framing.LENGTH),
        502,
        "upstream_rejected",
        Status.UPSTREAM_ERROR,
    ),
    "401": (json_answer({"error": {"message": "bad key"}}, 401), 424, "upstream_rejected", Status.UPSTREAM_ERROR),
    "a redirect": (Answer([], 302, {"location": "http://127.0.0.1/"}), 502, "upstream_rejected", Status.UPSTREAM_ERROR),
    "400": (json_answer({"error": {"message": "bad field"}}, 400), 400, "upstream_rejected", Status.UPSTREAM_ERROR),
    "429": (
        json_answer({"error": {"message": "slow down"}}, 429, {"retry-after": "7"}),
        429,
        "upstream_rejected",
        Status.UPSTREAM_ERROR,
    ),
}


@pytest.mark.parametrize(("answer", "http_status", "code", "status"), FAILED.values(), ids=FAILED.keys())
async def test_a_failed_target_sends_no_byte_and_has_a_reason(
    gateway: RunningGateway, upstream: ScriptedUpstream, answer: Answer, http_status: int, code: str, status: Status
) -> None:
    upstream.answers(answer)
    response = await gateway.call(**at(upstream))
    assert response.status_code == http_status
    body = response.json()["error"]
    assert body["code"] == code
    assert "generic (127.0.0.1, gpt-4o)" in body["message"] or "openai (127.0.0.1, gpt-4o)" in body["message"]
    assert response.headers.get("retry-after") == ("7" if http_status == 429 else None)
    trace = await gateway.trace()
    assert trace.status is status
    assert trace.failure is not None
    assert (trace.failure.code, trace.failure.http_status) == (code, http_status)
    # A provider that was silent or answered empty had the prompt; one that sent an error or cut at once had not.
    was_at_work = code in {"first_token_late", "empty_completion"} or (code == "upstream_cut" and bool(answer.steps))
    assert trace.usage.source is (UsageSource.ESTIMATED if was_at_work else UsageSource.ABSENT)
    assert [attempt.outcome for attempt in trace.attempts] != ["ok"]
    assert len(trace.attempts) == 1
    assert gateway.bodies(trace).response == response.content


WHOLE_FAILED = {
    "empty": (json_answer(completion("")), 502, "empty_completion"),
    "a page": (Answer([b"<html>"], headers={}, framing=Framing.LENGTH), 502, "upstream_rejected"),
    "not JSON": (Answer([b"Hello!"], headers={}, framing=Framing.LENGTH), 502, "empty_completion"),
    "an error with 200": (json_answer({"error": {"message": "no"}}), 502, "upstream_reported"),
    "cut": (Answer([b'{"choices"', End.CLOSE]), 502, "upstream_cut"),
}


@pytest.mark.parametrize(("answer", "http_status", "code"), WHOLE_FAILED.values(), ids=WHOLE_FAILED.keys())
async def test_a_failed_whole_answer_is_an_error(
    gateway: RunningGateway, upstream: ScriptedUpstream, answer: Answer, http_status: int, code: str
) -> None:
    upstream.answers(answer)
    response = await gateway.call(chat(stream=False), **at(upstream))
    assert (response.status_code, response.json()["error"]["code"]) == (http_status, code)


async def test_a_whole_answer_may_use_the_whole_call_timeout(upstream: ScriptedUpstream) -> None:
    async with running_gateway(upstream.host, policy={"plan_timeout_ms": 50}, call_timeout_ms="900") as gateway:
        upstream.answers(Answer([0.1, json.dumps(completion("slow")).encode()]), Answer([End.HANG]))
        assert (await gateway.call(chat(stream=False), **at(upstream))).status_code == 200
        late = await gateway.call(chat(stream=False), **at(upstream))
    assert (late.status_code, late.json()["error"]["code"]) == (504, "answer_late")


BROKEN = {
    "cut": ([chunk("Hel"), End.CLOSE], "upstream_cut", Status.TRUNCATED),
    "reset": ([chunk("Hel"), End.RESET], "upstream_cut", Status.TRUNCATED),
    "ended without an end": ([chunk("Hel")], "upstream_cut", Status.TRUNCATED),
    "an error event": ([chunk("Hel"), error("overloaded")], "upstream_reported", Status.UPSTREAM_ERROR),
    "a stall": ([chunk("Hel"), End.HANG], "answer_late", Status.TIMEOUT),
    "keep-alives alone": ([chunk("Hel"), *KEEP_ALIVES], "answer_late", Status.TIMEOUT),
}


@pytest.mark.parametrize(("steps", "code", "status"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_failure_after_the_first_byte_is_an_event_in_the_stream(
    gateway: RunningGateway, upstream: ScriptedUpstream, steps: list[Step], code: str, status: Status
) -> None:
    upstream.answers(Answer(steps))
    response = await gateway.call(**at(upstream))
    assert response.status_code == 200
    first, *comments, last = response.content.removesuffix(b"\n\n").split(b"\n\n")
    assert first + b"\n\n" == chunk("Hel")
    assert set(comments) <= {b": keep-alive"}
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == code
    assert b"[DONE]" not in response.content
    trace = await gateway.trace()
    assert trace.status is status
    assert trace.usage.source is UsageSource.ESTIMATED
    assert trace.usage.tokens is not None
    assert trace.usage.tokens.output > 0
    assert trace.usage.tokens.fresh_input > 0


async def test_one_malformed_event_is_skipped(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hel"), b"data: {oops\n\n", chunk("lo"), finish(), DONE]))
    assert (await gateway.call(**at(upstream))).content == chunk("Hel") + chunk("lo") + finish() + DONE
    trace = await gateway.trace()
    assert trace.status is Status.OK
    assert "skipped an event that is no JSON object" in trace.notes


async def test_a_missing_end_marker_is_added(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hello"), finish()]))
    assert (await gateway.call(**at(upstream))).content == chunk("Hello") + finish() + DONE
    assert (await gateway.trace()).status is Status.OK


async def test_a_last_event_without_its_blank_line_is_not_lost(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Answer([chunk("Hello"), finish().rstrip(b"\n")]))
    assert (await gateway.call(**at(upstream))).content == chunk("Hello") + finish() + DONE


async def test_comments_crlf_and_named_events_are_passed_on(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    odd = b": PROCESSING\r\n\r\nevent: message\r\n" + chunk("Hi").replace(b"\n", b"\r\n") + finish() + DONE
    upstream.answers(Answer([odd]))
    assert (await gateway.call(**at(upstream))).content == odd


async def test_a_refused_connection_is_a_502(gateway: RunningGateway) -> None:
    response = await gateway.call(x_inference_provider_url="http://127.0.0.1:9")
    assert (response.status_code, response.json()["error"]["code"]) == (403, "provider_url_refused")
    async with running_gateway("127.0.0.1:9") as open_gateway:
        response = await open_gateway.call(x_inference_provider_url="http://127.0.0.1:9")
        assert (response.status_code, response.json()["error"]["code"]) == (502, "connect_failed")
        assert (await open_gateway.trace()).attempts[0].outcome == "ConnectFailed"


async def test_an_unknown_host_is_a_502(gateway: RunningGateway) -> None:
    response = await gateway.call(x_inference_provider_url="https://no-such-host.invalid")
    assert (response.status_code, response.json()["error"]["code"]) == (502, "connect_failed")
    assert "no-such-host.invalid" in response.json()["error"]["message"]


async def test_an_open_row_is_stored_while_the_provider_is_awaited(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    gate = Gate()
    upstream.answers(Answer([chunk("Hi"), gate, finish(), DONE]))
    async with gateway.stream(**at(upstream)) as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        trace_id = response.headers["x-inference-trace-id"]
        row = await gateway.store.opened()
        assert (row.trace_id, row.status, row.usage.source) == (trace_id, Status.OPEN, UsageSource.ESTIMATED)
        assert row.usage.tokens is not None
        assert row.usage.tokens.fresh_input > 0
        assert ("info", "call.opened") in [line[:2] for line in gateway.log.lines]
        assert ("complete_trace", trace_id) not in gateway.store.events
        gate.open()
        async for _ in chunks:
            pass
    await gateway.trace()
    assert gateway.store.events == [("open_trace", trace_id), ("complete_trace", trace_id)]


async def test_a_stored_key_is_sent_to_its_own_host_only(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer(SPOKEN))
    stored = {"OPENAI_API_KEY": "sk-stored"}
    base_urls = f"openai={upstream.base_url}"
    async with running_gateway(upstream.host, environment=stored, provider_base_urls=base_urls) as gateway:
        await gateway.call()
        assert (await upstream.request()).headers["authorization"] == "Bearer sk-stored"
        await gateway.call(x_inference_provider_url=upstream.base_url, x_inference_provider="openai")
        assert "authorization" not in (await upstream.request(2)).headers


async def test_a_missing_stored_key_is_an_error(gateway: RunningGateway) -> None:
    response = await gateway.call()
    assert (response.status_code, response.json()["error"]["code"]) == (400, "provider_key_missing")
    trace = await gateway.trace()
    assert trace.status is Status.REFUSED
    assert trace.attempts == ()


@pytest.mark.parametrize("capture", ["full", "metadata", "none"])
async def test_capture_decides_what_is_stored(upstream: ScriptedUpstream, capture: str) -> None:
    upstream.answers(Answer(SPOKEN))
    async with running_gateway(upstream.host) as gateway:
        await gateway.call(**at(upstream), x_inference_capture=capture, x_inference_metadata_agent_id="a1")
        trace = await gateway.trace()
        level = Capture[capture.upper()]
        assert (gateway.bodies(trace).request is not None) is (level is Capture.FULL)
        assert (trace.metadata == {"agent-id": "a1"}) is (level >= Capture.METADATA)
        assert trace.status is Status.OK
