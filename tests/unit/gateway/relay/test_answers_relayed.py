"""Answers of other dialects through the whole gateway: the caller's bytes, their times, and the trace."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from switchboard.domain.trace import Status
from switchboard.domain.usage import Tokens
from testkit.openai_events import DONE, chunk, event, finish, role, usage, usage_object
from testkit.running_gateway import KEY, RunningGateway, chat, running_gateway
from testkit.upstream import Answer, Gate, ScriptedUpstream, json_answer

REST = (chunk("lo."), finish(), DONE)
ONE_ATTEMPT = {"max_attempts": 1, "plan_timeout_ms": 1500}


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
async def gateway(upstream: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with running_gateway(upstream.host, policy=ONE_ATTEMPT, stall_timeout_ms="2000") as running:
        yield running


def at(upstream: ScriptedUpstream, provider: str = "cloudflare") -> dict[str, str]:
    """The headers of a call to that upstream, which has that provider's dialect."""
    return {
        "x_inference_provider": provider,
        "x_inference_provider_url": upstream.base_url,
        "x_inference_provider_api_key": "sk-upstream",
    }


async def test_reasoning_is_held_back_and_the_first_content_is_sent_at_once(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    thought, spoken = Gate(), Gate()
    upstream.answers(
        Answer([*(role(), chunk("<think>Hm."), thought, chunk("</think>\n\n"), chunk("Hel"), spoken), *REST])
    )
    thought.open()
    async with gateway.stream(**at(upstream)) as response:
        chunks = response.aiter_raw()
        first = await anext(chunks)
        assert b'"content":"Hel"' in first
        spoken.open()
        rest = b"".join([piece async for piece in chunks])
    assert rest == b"".join(REST)
    trace = await gateway.trace()
    assert trace.status is Status.OK
    assert "moved reasoning out of the content" in trace.notes
    assert b"<think>" not in (gateway.bodies(trace).response or b"")


async def test_endless_reasoning_is_a_late_first_token(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("<think>"), *[step for _ in range(100) for step in (chunk("hm "), 0.02)]]))
    response = await gateway.call(**at(upstream))
    assert response.json()["error"]["code"] == "first_token_late"
    assert (await gateway.trace()).ttft_ms is None


@pytest.mark.parametrize("content", ["<think>Hm, hm.", "<think>Hm.</think>\n\n", "\n"])
async def test_reasoning_or_blanks_alone_are_an_empty_answer(
    gateway: RunningGateway, upstream: ScriptedUpstream, content: str
) -> None:
    upstream.answers(Answer([role(), chunk(content), finish(), DONE]))
    response = await gateway.call(**at(upstream))
    assert response.json()["error"]["code"] == "empty_completion"
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}
    upstream.answers(json_answer(whole))
    response = await gateway.call(chat(stream=False), **at(upstream))
    assert response.json()["error"]["code"] == "empty_completion"


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("openrouter", {"choices": [], "error": {"code": 502, "message": "gone away"}}),
        ("openrouter", {"choices": [{"index": 0, "finish_reason": "error", "error": {"message": "gone away"}}]}),
        ("google", [{"error": {"code": 503, "message": "gone away", "status": "UNAVAILABLE"}}]),
        ("cloudflare", {"success": False, "errors": [{"code": 3040, "message": "gone away"}]}),
        ("generic", {"type": "error", "error": {"type": "overloaded_error", "message": "gone away"}}),
    ],
)
async def test_an_error_after_status_200_fails_before_the_first_content_and_is_an_event_after_it(
    gateway: RunningGateway, upstream: ScriptedUpstream, provider: str, said: Any
) -> None:
    headers = at(upstream, provider)
    if provider == "generic":
        del headers["x_inference_provider"]
    upstream.answers(Answer([role(), event(said)]))
    response = await gateway.call(**headers)
    assert response.status_code == 502
    assert "gone away" in response.json()["error"]["message"]
    await gateway.trace()
    upstream.answers(Answer([role(), chunk("Hel"), event(said), DONE]))
    response = await gateway.call(**headers)
    assert response.content.startswith(role() + chunk("Hel") + b'data: {"error"')
    assert not response.content.endswith(DONE)
    assert (await gateway.trace()).status is Status.UPSTREAM_ERROR


async def test_a_finish_reason_of_the_providers_own_is_translated_and_noted(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Answer([chunk("Hi"), finish("eos"), DONE]))
    assert b'"eos"' not in (await gateway.call(**at(upstream, "together"))).content
    trace = await gateway.trace()
    assert trace.finish_reason == "stop"
    assert "finish reason 'eos' became 'stop'" in trace.notes


async def test_missing_fields_of_an_answer_are_filled_in_from_the_call(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Answer([event({"choices": [{"delta": {"content": "Hi"}}]}), finish(), DONE]))
    response = await gateway.call(**at(upstream))
    made = json.loads(response.content.partition(b"\n\n")[0].removeprefix(b"data: "))
    trace = await gateway.trace()
    assert made["model"] == "gpt-4o"
    assert made["id"] == "chatcmpl-" + trace.trace_id.replace("-", "")
    assert abs(made["created"] - trace.started_at.timestamp()) < 5
    assert made["choices"][0]["index"] == 0


COUNTS = usage_object(30, 2)
ENDS = {
    "own chunk": [finish(), usage(30, 2), DONE],
    "last chunk": [event(json.loads(finish().removeprefix(b"data: ")) | {"usage": COUNTS}), DONE],
    "every chunk": [event({"choices": [{"delta": {"content": "."}}], "usage": COUNTS}), finish(), DONE],
    "x_groq": [event(json.loads(finish().removeprefix(b"data: ")) | {"x_groq": {"usage": COUNTS}}), DONE],
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("is_asked_for", [True, False])
async def test_the_openai_sdk_reads_usage_once_if_it_asked(
    gateway: RunningGateway, upstream: ScriptedUpstream, name: str, is_asked_for: bool
) -> None:
    upstream.answers(Answer([role(), chunk("Hi"), *ENDS[name]]))
    headers = {key.replace("_", "-"): value for key, value in at(upstream, "groq").items()}
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, default_headers=headers) as client:
        stream = await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "Hello?"}],
            stream=True,
            stream_options={"include_usage": is_asked_for},
        )
        chunks = [found async for found in stream]
    told = [found.usage for found in chunks if found.usage]
    if is_asked_for:
        assert [(counts.prompt_tokens, counts.completion_tokens) for counts in told] == [(30, 2)]
    else:
        assert all(found.choices for found in chunks)
    assert (await gateway.trace()).usage.tokens == Tokens(fresh_input=30, output=2)


async def test_a_gemini_3_agent_that_drops_signatures_is_not_refused(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    function = {"name": "look_up", "arguments": "{}"}
    signed = {"id": "c1", "function": function, "extra_content": {"google": {"thought_signature": "sig-1"}}}
    upstream.answers(Answer([event({"choices": [{"delta": {"role": "assistant", "tool_calls": [signed]}}]}), DONE]))
    history: list[dict[str, object]] = [{"role": "user", "content": "Where is my order?"}]
    await gateway.call(chat(model="gemini-3-flash", messages=history), **at(upstream, "google"))
    history += [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c1", "content": "{}"},
    ]
    upstream.answers(Answer([chunk("It is here."), finish(), DONE]))
    await gateway.call(chat(model="gemini-3-flash", messages=history), **at(upstream, "google"))
    sent = (await upstream.request(2)).json["messages"][1]["tool_calls"][0]
    assert sent["extra_content"] == {"google": {"thought_signature": "sig-1"}}
