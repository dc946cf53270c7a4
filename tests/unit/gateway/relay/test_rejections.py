"""Answers with an error status are reported with the part of their body that arrived in time."""

from collections.abc import Sequence

import pytest

from gateway.relay.exchange import ERROR_BODY_S
from switchboard.domain.trace import Status
from switchboard.domain.usage import UsageSource
from testkit.cascade import cascade, outcomes
from testkit.faults import answer_events, good
from testkit.running_gateway import chat
from testkit.upstream import Answer, End, ScriptedUpstream, Step, json_answer

PATIENCE_MS = 4000
BEGUN = b'{"error": {"message": "slow down"'
UNENDED: dict[str, tuple[Sequence[Step], str]] = {
    "no body": ([End.HANG], "no body"),
    "half of it": ([BEGUN, End.HANG], BEGUN.decode()),
    "all of it": ([BEGUN + b"}}", End.HANG], "slow down"),
    "drop by drop": ([BEGUN + b"}}", *[step for _ in range(100) for step in (b" ", 0.05)]], "slow down"),
    "broken off": ([BEGUN + b"}}", End.RESET], "slow down"),
}


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(("steps", "said"), UNENDED.values(), ids=UNENDED.keys())
async def test_an_error_whose_body_never_ends_is_reported_with_its_status(
    steps: Sequence[Step], said: str, *, streamed: bool
) -> None:
    failing = Answer(steps, 503, {"content-type": "application/json"})
    with ScriptedUpstream(failing) as first, ScriptedUpstream(good("the second", streamed=streamed)) as second:
        async with cascade(first, second, policy={"ttft_timeout_ms": PATIENCE_MS}) as gateway:
            response = await gateway.call(chat(stream=streamed))
            trace = await gateway.trace()
            await (await first.request()).left()
    if streamed:
        assert response.content == b"".join(answer_events("the second"))
    assert (response.status_code, trace.status) == (200, Status.OK)
    assert outcomes(trace) == [("groq", "UpstreamRejected"), ("together", "ok")]
    failed = trace.attempts[0]
    assert (failed.status, failed.error) == (503, f"answered 503: {said} (cut off)")
    assert failed.usage.source is UsageSource.ABSENT
    assert failed.duration_ms < ERROR_BODY_S * 1000 * 3 < PATIENCE_MS


async def test_the_retry_after_header_is_kept_if_the_body_never_ends() -> None:
    answer = Answer([BEGUN, End.HANG], 429, {"retry-after": "7"})
    with ScriptedUpstream(answer) as upstream:
        async with cascade(upstream, policy={"plan_timeout_ms": PATIENCE_MS}) as gateway:
            response = await gateway.call()
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_delay_in_the_body_is_obeyed_and_passed_on(*, streamed: bool) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.2s"}]
    body = [{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": details}}]
    with ScriptedUpstream(json_answer(body, 429)) as upstream:
        async with cascade(upstream, policy={"plan_timeout_ms": PATIENCE_MS}) as gateway:
            response = await gateway.call(chat(stream=streamed))
        assert len(upstream.requests) == 1
    assert (response.status_code, response.headers["retry-after-ms"]) == (429, "34200")
