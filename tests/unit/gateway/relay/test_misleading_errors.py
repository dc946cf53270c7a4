"""Failures whose reason is told: web pages, redirects, used-up quotas, error events, slips of the model."""

import json
from collections.abc import AsyncIterator

import pytest

from switchboard.domain.trace import Status
from switchboard.domain.usage import UsageSource
from testkit.cascade import cascade, outcomes
from testkit.faults import good
from testkit.openai_events import DONE, chunk, completion, finish, role
from testkit.running_gateway import chat
from testkit.upstream import Answer, Framing, ScriptedUpstream, json_answer

THREE = {"max_attempts": 3}
PAGE = b"""<!DOCTYPE html>
<html><head><title>
 Welcome to nginx &amp; friends </title></head>

<body>Hello</body></html>"""
HTML = {"content-type": "text/html"}


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("headers", [HTML, {"content-type": "application/json"}, {}])
@pytest.mark.parametrize("body", [PAGE, b"\xef\xbb\xbf\n" + PAGE, b"<html>"])
async def test_a_page_with_status_200_says_that_the_url_is_wrong(
    upstream: ScriptedUpstream, body: bytes, headers: dict[str, str], *, streamed: bool
) -> None:
    upstream.answers(Answer([body], 200, headers, framing=Framing.LENGTH))
    async with cascade(upstream, policy=THREE) as gateway:
        response = await gateway.call(chat(stream=streamed))
        trace = await gateway.trace()
    message = response.json()["error"]["message"]
    title = " ('Welcome to nginx & friends')" if body.endswith(PAGE) else ""
    assert response.status_code == 502
    assert f"answered 200: a web page{title}: the provider URL is wrong" in message
    assert response.headers["x-should-retry"] == "false"
    assert len(upstream.requests) == len(trace.attempts) == 1
    assert (trace.status, trace.attempts[0].usage.source) == (Status.UPSTREAM_ERROR, UsageSource.ABSENT)


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_next_target_answers_in_place_of_a_page(upstream: ScriptedUpstream, *, streamed: bool) -> None:
    upstream.answers(Answer([PAGE], 200, HTML))
    with ScriptedUpstream(good("the second", streamed=streamed)) as second:
        async with cascade(upstream, second, policy=THREE) as gateway:
            response = await gateway.call(chat(stream=streamed))
            trace = await gateway.trace()
    assert (response.status_code, b"<" in response.content) == (200, False)
    assert outcomes(trace) == [("groq", "UpstreamRejected"), ("together", "ok")]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (404, 404, "answered 404: a web page ('Welcome to nginx & friends'): the provider URL is wrong"),
        (405, 502, "answered 405: a web page ('Welcome to nginx & friends'): the provider URL is wrong"),
        (403, 424, "answered 403: a web page ('Welcome to nginx & friends')"),
        (503, 502, "answered 503: a web page ('Welcome to nginx & friends')"),
    ],
)
async def test_an_error_that_is_a_page_is_told_by_its_title(
    upstream: ScriptedUpstream, status: int, code: int, said: str, *, streamed: bool
) -> None:
    upstream.answers(Answer([PAGE], status, HTML))
    async with cascade(upstream, policy={"max_attempts": 1}) as gateway:
        response = await gateway.call(chat(stream=streamed))
    assert response.status_code == code
    assert response.json()["error"]["message"].endswith(said)


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1/chat/completions"),
        (
            "https://me:pw@login.example.com/?key=CANARY&next=%2Fv1#CANARY",
            "https://login.example.com/?key=***&next=***",
        ),
        ("https://login.example.com/?CANARY", "https://login.example.com/?***"),
        ("https://[nonsense/", "an address that cannot be read"),
        (None, "nowhere"),
    ],
)
async def test_a_redirect_names_its_location_and_is_not_repeated(
    upstream: ScriptedUpstream, status: int, location: str | None, shown: str, *, streamed: bool
) -> None:
    upstream.answers(Answer([], status, {} if location is None else {"location": location}))
    async with cascade(upstream, policy=THREE) as gateway:
        response = await gateway.call(chat(stream=streamed))
        trace = await gateway.trace()
    message = response.json()["error"]["message"]
    said = f"a redirect to {shown}, which is not followed: the provider URL is wrong"
    assert response.status_code == 502
    assert message.endswith(f"answered {status}: {said}")
    assert "CANARY" not in message
    assert "pw" not in message
    assert len(upstream.requests) == len(trace.attempts) == 1
    assert response.headers["x-should-retry"] == "false"


async def test_a_relative_location_is_told_with_its_host(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([], 308, {"location": "/v2/chat"}))
    async with cascade(upstream, policy=THREE) as gateway:
        message = (await gateway.call()).json()["error"]["message"]
    assert f"a redirect to {upstream.base_url.removesuffix('/v1')}/v2/chat" in message


def quota(code: str | None, kind: str, status: int = 429) -> Answer:
    """The provider's account has nothing left."""
    error = {"message": "You exceeded your current quota.", "type": kind, "param": None, "code": code}
    return json_answer({"error": error}, status, {"retry-after": "0"})


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("insufficient_quota", "insufficient_quota"),
        (None, "exceeded_current_quota_error"),
        ("insufficient_balance", "x"),
    ],
)
async def test_a_used_up_quota_is_not_asked_again(
    upstream: ScriptedUpstream, code: str | None, kind: str, *, streamed: bool
) -> None:
    upstream.answers(quota(code, kind))
    async with cascade(upstream, policy=THREE) as gateway:
        response = await gateway.call(chat(stream=streamed))
    assert (response.status_code, response.headers["x-should-retry"]) == (429, "false")
    assert "retry-after" not in response.headers
    error = response.json()["error"]
    assert (error["code"], error["type"]) == (code, kind)
    assert response.headers["x-inference-error"] == "upstream_rejected"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_next_target_is_asked_when_a_quota_is_used_up(upstream: ScriptedUpstream, *, streamed: bool) -> None:
    upstream.answers(quota("insufficient_quota", "insufficient_quota"))
    with ScriptedUpstream(good("the second", streamed=streamed)) as second:
        async with cascade(upstream, second, policy=THREE) as gateway:
            response = await gateway.call(chat(stream=streamed))
    assert (response.status_code, len(upstream.requests), len(second.requests)) == (200, 1, 1)


async def test_a_quota_that_is_reported_inside_an_answer_is_not_asked_again(upstream: ScriptedUpstream) -> None:
    error = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
    upstream.answers(Answer([role(), b"data: " + json.dumps({"error": error}).encode() + b"\n\n"]))
    async with cascade(upstream, policy=THREE) as gateway:
        response = await gateway.call()
    assert (response.status_code, response.headers["x-should-retry"], len(upstream.requests)) == (502, "false", 1)


@pytest.mark.parametrize(
    "event",
    [
        b'event: error\ndata: {"message": "Model is warming up"}\n\n',
        b'event:error\r\ndata: {"message": "Model is warming up"}\r\n\r\n',
        b'data: {"message": "Model is warming up"}\nevent: error\n\n',
        b'event: error\ndata: {"detail": "Model is warming up"}\n\n',
        b"event: error\ndata: Model is warming up\n\n",
        b'event: error\ndata: {"error": {"message": "Model is warming up"}}\n\n',
        b'data: {"type": "error", "message": "Model is warming up"}\n\n',
        b'event: error\ndata: {"message": "Model is warming up"}',
    ],
)
@pytest.mark.parametrize("row", ["groq", "anthropic"])
async def test_the_words_of_an_error_event_are_told(upstream: ScriptedUpstream, row: str, event: bytes) -> None:
    upstream.answers(Answer([event]))
    async with cascade(upstream, policy={"max_attempts": 1}) as gateway:
        response = await gateway.call(
            x_inference_provider=row,
            x_inference_provider_api_key="sk-0123456789",
            x_inference_provider_url=upstream.base_url,
        )
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (502, "upstream_reported")
    assert error["message"].endswith("UpstreamReported: Model is warming up")


async def test_the_words_of_an_error_event_after_content_are_told(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), chunk("Hello"), b'event: error\ndata: {"message": "overloaded"}\n\n', DONE]))
    async with cascade(upstream) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
    assert response.content.startswith(role() + chunk("Hello") + b"data: ")
    assert b"overloaded" in response.content
    assert b"[DONE]" not in response.content
    assert (trace.failure and trace.failure.code) == "upstream_reported"


async def test_content_that_speaks_of_error_events_is_no_error(upstream: ScriptedUpstream) -> None:
    words = chunk("Say\nevent: error\n")
    upstream.answers(Answer([role(), b"event: message\n" + words, finish(), DONE]))
    async with cascade(upstream) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
    assert (trace.status, response.content.endswith(DONE)) == (Status.OK, True)


@pytest.mark.parametrize(
    "body", [{"message": "No capacity"}, {"detail": "No capacity"}, {"type": "error", "message": "No capacity"}]
)
async def test_the_words_of_a_whole_answer_that_is_no_completion_are_told(
    upstream: ScriptedUpstream, body: dict[str, str]
) -> None:
    upstream.answers(json_answer(body))
    async with cascade(upstream, policy={"max_attempts": 1}) as gateway:
        response = await gateway.call(chat(stream=False))
    assert response.status_code == 502
    assert response.json()["error"]["message"].endswith("UpstreamReported: No capacity")


SLIP = {"message": "Failed to call a function.", "type": "invalid_request_error", "code": "tool_use_failed"}


def slip(*, streamed: bool, in_place: bool) -> Answer:
    """Groq's error for a tool call that the model has written wrongly."""
    body = {"error": SLIP | {"failed_generation": "<function=f>"}}
    if in_place and streamed:
        return Answer([role(), b"event: error\ndata: " + json.dumps(body).encode() + b"\n\n"])
    return json_answer(body, 200 if in_place else 400)


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_slip_of_the_model_is_tried_a_second_time(
    upstream: ScriptedUpstream, *, streamed: bool, in_place: bool
) -> None:
    upstream.answers(slip(streamed=streamed, in_place=in_place), good("groq", streamed=streamed))
    async with cascade(upstream, policy=THREE) as gateway:
        response = await gateway.call(chat(stream=streamed))
        trace = await gateway.trace()
    assert (response.status_code, trace.status, len(upstream.requests)) == (200, Status.OK, 2)


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_second_slip_is_final(upstream: ScriptedUpstream, *, streamed: bool, in_place: bool) -> None:
    upstream.answers(slip(streamed=streamed, in_place=in_place))
    async with cascade(upstream, policy=THREE) as gateway:
        response = await gateway.call(chat(stream=streamed))
    assert (response.status_code, len(upstream.requests)) == (502 if in_place else 400, 2)
    if not in_place:
        error = response.json()["error"]
        assert (error["code"], error["type"]) == ("tool_use_failed", "invalid_request_error")


@pytest.mark.parametrize(
    ("code", "status", "requests"),
    [(401, 424, 1), (402, 424, 1), (403, 424, 1), (400, 502, 1), (429, 502, 2), (503, 502, 2)],
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_status_inside_an_answer_decides_whether_it_is_asked_again(
    upstream: ScriptedUpstream, code: int, status: int, requests: int, *, streamed: bool
) -> None:
    body = {"error": {"code": code, "message": "no"}}
    event = b"data: " + json.dumps(body).encode() + b"\n\n"
    upstream.answers(Answer([role(), event]) if streamed else json_answer(body))
    async with cascade(upstream, policy={"max_attempts": 2}) as gateway:
        response = await gateway.call(chat(stream=streamed))
    assert (response.status_code, len(upstream.requests)) == (status, requests)
    assert response.headers["x-inference-error"] == "upstream_reported"


async def test_a_pause_in_milliseconds_is_waited_for(upstream: ScriptedUpstream) -> None:
    slow = json_answer({"error": {"message": "slow down"}}, 429, {"retry-after-ms": "120", "retry-after": "9"})
    upstream.answers(slow, json_answer(completion("Hello!")))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(stream=False))
        first, again = (await gateway.trace()).attempts
    assert response.status_code == 200
    assert first.started_ms + first.duration_ms - 0.01 + 120 <= again.started_ms < first.started_ms + 5000
