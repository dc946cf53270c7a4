"""No key of a call occurs in anything that is kept or told of it, wherever the caller or the provider puts it."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

import pytest

from switchboard.domain.limits import MAX_SECRETS
from switchboard.domain.trace import Status
from switchboard.stream.transcript import assemble
from testkit.cascade import cascade
from testkit.openai_events import DONE, chunk, completion, error, finish, tool_call
from testkit.running_gateway import KEY, RunningGateway, chat, running_gateway
from testkit.upstream import Answer, End, Framing, ScriptedUpstream, json_answer

CANARY = "Sk-canary/9c41e7+=Z"
STORED = "gsk-stored-canary-0123456789abcdef01"
ESCAPED = json.dumps(CANARY.replace("/", "\\/"))[1:-1]
FORMS = (CANARY, CANARY.lower(), quote(CANARY, safe=""), ESCAPED, "".join(f"\\u{ord(c):04x}" for c in CANARY))
SPOKEN = Answer([chunk("Hello"), finish(), DONE])


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(SPOKEN) as scripted:
        yield scripted


@pytest.fixture
async def gateway(upstream: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with running_gateway(upstream.host, retry_backoff_ms="5") as running:
        yield running


def _assert_absent(text: str, *secrets: str) -> None:
    for secret in secrets:
        found = [form for form in (secret, secret.lower(), quote(secret, safe=""), secret[8:]) if form in text]
        assert not found, text


def _keyed(upstream: ScriptedUpstream, key: str = CANARY) -> dict[str, str]:
    return {"x_inference_provider_url": upstream.base_url, "x_inference_provider_api_key": key}


REQUESTS = {
    "task id": ({}, {"x_inference_task_id": f"a {CANARY} b"}),
    "environment": ({}, {"x_inference_environment": CANARY}),
    "metadata": ({}, {"x_inference_metadata_note": f"it is {CANARY}"}),
    "name of metadata": ({}, {f"x_inference_metadata_{CANARY.replace('/', '').replace('=', '')}": "1"}),
    "conversation id": ({}, {"x_inference_metadata_conversation_id": CANARY}),
    "extra body": ({"elevenlabs_extra_body": {CANARY: CANARY, f"odd {CANARY}": {}}}, {}),
    "model": ({"model": f"gpt {CANARY}"}, {}),
    "name of a field": ({CANARY: 1, f"{'x' * 50}{CANARY}": 1}, {}),
    "message": ({"messages": [{"role": "user", "content": f"{CANARY} {ESCAPED}", "name": CANARY, CANARY: 1}]}, {}),
    "tools": ({"tools": [{"type": "function", "function": {"name": "f", "description": CANARY}}]}, {}),
    "capture": ({}, {"x_inference_capture": CANARY}),
    "provider": ({}, {"x_inference_provider": CANARY}),
    "fallback": ({}, {"x_inference_fallback": f"groq/{CANARY}"}),
    "hedge": ({}, {"x_inference_hedge_after_ms": CANARY}),
    "wrong type": ({"messages": {CANARY: 1}, "stream_options": CANARY}, {}),
}


@pytest.mark.parametrize("answer", [SPOKEN, json_answer({"error": {"message": CANARY}}, 400)], ids=["200", "400"])
@pytest.mark.parametrize(("fields", "headers"), REQUESTS.values(), ids=REQUESTS.keys())
async def test_a_key_in_a_request_is_neither_kept_nor_told(
    gateway: RunningGateway,
    upstream: ScriptedUpstream,
    fields: dict[str, object],
    headers: dict[str, str],
    answer: Answer,
) -> None:
    upstream.answers(answer)
    if any(name.startswith("x_inference_metadata_Sk") for name in headers):  # a header's name has no `/` and `=`
        headers, key = {"x_inference_metadata_Sk-canary9c41e7Z": "1"}, "Sk-canary9c41e7Z"
    else:
        key = CANARY
    response = await gateway.call(chat(**fields), **_keyed(upstream, key), **headers)
    await gateway.trace_of(response)
    await gateway.log.says("call.completed")
    _assert_absent(gateway.everything_kept(), key, KEY)
    _assert_absent(response.text + repr(response.headers), key, KEY)


async def test_a_key_in_the_name_of_an_unknown_header_or_of_a_host_is_masked(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    key, host = "Sk-Canary-Name-1", "https://sk-canary-name-1.invalid/v1"
    headers = {f"x-inference-{key}": "1", f"x-inference-{'x' * 40}-{key}": "1", "x-inference-provider-api-key": key}
    response = await gateway.call(**headers, x_inference_provider_url=host)
    trace = await gateway.trace_of(response)
    assert (trace.attempts[0].host, response.status_code) == ("***.invalid", 502)
    assert "ignored header x-inference-***" in trace.notes
    _assert_absent(gateway.everything_kept() + response.text, key)
    assert not upstream.requests


LONG = "Sk-proj-" + "aB3_dE6-" * 20
TOOL = {
    "type": "function",
    "function": {"name": LONG, "parameters": {"type": "object", LONG: 1, "properties": {LONG: 1}}},
}
PLACES: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "names of fields": ({LONG: 1, "response_format": {"type": LONG, LONG: 1}, "tool_choice": LONG}, {}),
    "names in messages": ({"messages": [{"role": "user", "content": "a", LONG: LONG, "name": LONG}]}, {}),
    "a role": ({"messages": [{"role": LONG, "content": "a"}]}, {}),
    "type of a part": ({"messages": [{"role": "user", "content": [{"type": LONG, LONG: LONG}]}] * 2}, {}),
    "an earlier part": (
        {"messages": [{"role": "user", "content": [{"type": LONG}]}, {"role": "user", "content": "a"}]},
        {},
    ),
    "an assistant's part": ({"messages": [{"role": "assistant", "content": [{"type": LONG}]}]}, {}),
    "an image": ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": LONG}}]}]}, {}),
    "tools": ({"tools": [TOOL, {"type": LONG, LONG: {}}]}, {}),
    "calls": ({"messages": [{"role": "assistant", "tool_calls": [{"id": LONG, "function": {"name": LONG}}]}]}, {}),
    "extra body": ({"elevenlabs_extra_body": {LONG: [LONG], "a": LONG}, "user_id": LONG}, {}),
    "a schema": ({"response_format": {"type": "json_schema", "json_schema": {"name": LONG, "schema": {LONG: 1}}}}, {}),
    "effort": ({"reasoning_effort": LONG, "service_tier": LONG, "modalities": [LONG]}, {}),
    "content encoding": ({}, {"content_encoding": LONG}),
    "an unknown header": ({}, {f"x_inference_{LONG}": "1", f"x_inference_upstream_header_{LONG}": "1"}),
    "an unknown header alone": ({}, {f"x_inference_{LONG}": "1"}),
    "a long label": ({}, {"x_inference_task_id": LONG * 2}),
    "task id": ({}, {"x_inference_task_id": f"a {LONG}"}),
    "fallback": ({}, {"x_inference_fallback": f"groq/{LONG},{LONG}"}),
    "time-out": ({}, {"x_inference_ttft_timeout_ms": LONG, "x_inference_zero_retention": LONG}),
}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(("fields", "headers"), PLACES.values(), ids=PLACES.keys())
async def test_no_part_of_a_long_key_is_kept_or_told(
    upstream: ScriptedUpstream, fields: dict[str, object], headers: dict[str, str], provider: str
) -> None:
    upstream.answers(json_answer({"error": {"message": f"{LONG} {'x' * 900} {LONG}", "code": LONG}}, 400))
    model = {"anthropic": "claude-sonnet-4-5"}.get(provider, "gpt-4o")
    base_urls = f"{provider}={upstream.base_url}"
    async with running_gateway(upstream.host, provider_base_urls=base_urls, policy={"max_attempts": 1}) as gateway:
        keyed = {"x_inference_provider": provider, "x_inference_provider_api_key": LONG}
        response = await gateway.call(chat(model=model) | fields, **(keyed | headers))
        await gateway.trace_of(response)
        kept = gateway.everything_kept() + response.text + repr(response.headers)
    assert LONG[:12].lower() not in kept.lower()
    assert LONG[-12:].lower() not in kept.lower()


@pytest.mark.parametrize("streamed", [True, False])
async def test_no_part_of_a_long_key_in_a_finish_reason_is_kept(
    gateway: RunningGateway, upstream: ScriptedUpstream, *, streamed: bool
) -> None:
    spoken = Answer([chunk("Hello"), finish(LONG), DONE])
    upstream.answers(spoken if streamed else json_answer(completion("Hello", finish_reason=LONG)))
    response = await gateway.call(chat(stream=streamed), **_keyed(upstream, LONG))
    await gateway.trace_of(response)
    assert LONG[:12] not in gateway.everything_kept()


ERRORS = {f"form {number}": f"no key {form}, {form}" for number, form in enumerate(FORMS)}


@pytest.mark.parametrize("said", ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_key_in_an_error_is_neither_kept_nor_told(
    gateway: RunningGateway, upstream: ScriptedUpstream, said: str, *, streamed: bool
) -> None:
    named = {"error": {"message": said, "code": CANARY, "type": CANARY, "param": CANARY}}
    page = Answer([said.encode()], 500, {"content-type": "text/html", "retry-after": CANARY}, framing=Framing.LENGTH)
    late = Answer([chunk("Hello"), error(said)])
    moved = Answer([], 307, {"location": f"https://elsewhere.test/{quote(said)}?key={quote(said)}"})
    site = Answer([f"<html><title>{said}".encode()], 200, {"content-type": "text/html"})
    named_event = Answer([b"event: error\ndata: " + json.dumps({"message": said, "code": said}).encode() + b"\n\n"])
    errors = (json_answer(named, 400), page, json_answer(named), Answer([error(said)]), late, moved, site, named_event)
    for answer in errors:
        upstream.answers(answer)
        response = await gateway.call(chat(stream=streamed), **_keyed(upstream))
        await gateway.trace_of(response)
        _assert_absent(response.text + repr(response.headers), CANARY)
        assert "canary" not in response.text.lower()
    _assert_absent(gateway.everything_kept(), CANARY)
    assert "canary" not in gateway.everything_kept().lower()


def _parts(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("form", FORMS)
async def test_a_key_that_an_answer_speaks_is_passed_on_and_not_kept(
    gateway: RunningGateway, upstream: ScriptedUpstream, form: str, size: int
) -> None:
    said = _parts(f"It is {form}, yes", size)
    calls = [tool_call(part, name="note" if not number else None, call_id="c1") for number, part in enumerate(said)]
    thoughts = [chunk(None, reasoning_content=part) for part in said]
    words = [chunk(part) for part in said]
    upstream.answers(Answer([*thoughts, *words, *calls, finish("tool_calls"), DONE]))
    response = await gateway.call(**_keyed(upstream))
    trace = await gateway.trace_of(response)
    heard = assemble(response.content).completion()
    kept = gateway.bodies(trace).response
    assert kept is not None
    message = assemble(kept).choices[0].message()
    assert form in "".join(assemble(response.content).choices[0].text), "the caller gets every word"
    assert message["content"] == message["reasoning_content"] == "It is ***, yes"
    assert "***" in json.dumps(message["tool_calls"])
    assert json.dumps(heard) != json.dumps(message)
    _assert_absent(gateway.everything_kept() + json.dumps(message), CANARY)


async def test_an_answer_that_ends_within_a_key_is_kept_without_its_beginning(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Answer([chunk("It is "), *map(chunk, _parts(CANARY[:-2], 3)), End.CLOSE]))
    response = await gateway.call(**_keyed(upstream))
    trace = await gateway.trace_of(response)
    kept = gateway.bodies(trace).response
    assert kept is not None
    assert trace.status is Status.TRUNCATED
    assert "".join(assemble(kept).choices[0].text) == "It is ***"


async def test_a_key_in_a_whole_answer_is_passed_on_and_not_kept(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    upstream.answers(json_answer(completion(f"It is {CANARY}", finish_reason=f"{'x' * 50}{CANARY}")))
    response = await gateway.call(chat(stream=False), **_keyed(upstream))
    trace = await gateway.trace_of(response)
    assert response.json()["choices"][0]["message"]["content"] == f"It is {CANARY}"
    assert json.loads(gateway.bodies(trace).response or b"")["choices"][0]["message"]["content"] == "It is ***"
    _assert_absent(gateway.everything_kept(), CANARY)


async def test_each_of_two_headers_of_one_name_is_a_secret(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    keys = ["sk-first-canary", "sk-second-canary", "sk-third-canary", "sb-fourth-canary"]
    upstream.answers(json_answer({"error": {"message": f"not {' '.join(keys)}"}}, 400))
    headers = [
        ("authorization", f"Bearer {KEY}"),
        ("x-inference-provider-url", upstream.base_url),
        ("x-inference-provider-api-key", keys[0]),
        ("x-inference-provider-api-key", keys[1]),
        ("x-inference-key-groq", f"{keys[2]}, other"),
        ("authorization", f"Bearer {keys[3]}"),
    ]
    response = await gateway.client.post("/v1/chat/completions", content=json.dumps(chat()).encode(), headers=headers)
    await gateway.trace_of(response)
    _assert_absent(response.text + gateway.everything_kept(), *keys)
    assert "not *** *** *** ***" in response.text


HEADERS = {
    "a key": ("helicone-auth", CANARY),
    "Bearer": ("helicone-auth", f"Bearer {CANARY}"),
    "Basic": ("cf-aig-authorization", f"Basic {CANARY}"),
    "password": ("cf-aig-authorization", f"Basic {b64encode(f'user:{CANARY}'.encode()).decode()}"),
    "JSON": ("x-portkey-config", json.dumps({"targets": [{"provider": "openai", "api_key": CANARY}]})),
}


@pytest.mark.parametrize(("name", "value"), HEADERS.values(), ids=HEADERS.keys())
async def test_a_header_for_the_provider_is_a_secret(
    gateway: RunningGateway, upstream: ScriptedUpstream, name: str, value: str
) -> None:
    upstream.answers(json_answer({"error": {"message": f"not {CANARY}"}}, 400))
    own = {f"x_inference_upstream_header_{name}": value}
    response = await gateway.call(**own, x_inference_provider_url=upstream.base_url, x_inference_task_id=CANARY)
    await gateway.trace_of(response)
    _assert_absent(response.text + gateway.everything_kept() + repr(response.headers), CANARY)


async def test_a_call_with_very_many_secrets_is_refused(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    many = {f"x-inference-upstream-header-x-portkey-{number}": f"secret-{number}" for number in range(MAX_SECRETS)}
    response = await gateway.call(**many, **_keyed(upstream))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "header_malformed")
    assert f"at most {MAX_SECRETS}" in response.text


@pytest.mark.parametrize("path", [f"/v1/models/{CANARY}", f"/v1/{CANARY}"])
async def test_a_key_in_a_path_is_not_told(gateway: RunningGateway, path: str) -> None:
    headers = {"authorization": f"Bearer {CANARY}"}
    response = await gateway.client.get(path, headers=headers)
    assert response.status_code == 404
    _assert_absent(response.text, CANARY)


# Values in the query of the provider's URL


@pytest.mark.parametrize(
    "query", [f"key={CANARY}", f"key={quote(CANARY, safe='')}", CANARY.replace("=", "-"), f"a=1&b={CANARY}"]
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_value_in_the_query_of_a_provider_url_is_a_secret(
    gateway: RunningGateway, upstream: ScriptedUpstream, query: str, *, streamed: bool
) -> None:
    url = f"{upstream.base_url}?{query}"
    upstream.answers(json_answer({"error": {"message": f"no such path: /v1/chat/completions?{query}"}}, 404))
    response = await gateway.call(chat(stream=streamed), x_inference_provider_url=url)
    await gateway.trace_of(response)
    assert query in upstream.requests[0].path
    _assert_absent(response.text + gateway.everything_kept() + repr(response.headers), CANARY, CANARY.replace("=", "-"))
    assert "no such path: /v1/chat/completions?" in response.text


async def test_a_value_in_the_query_of_the_operators_own_url_is_a_secret(upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"error": {"message": f"no such path: ?key={CANARY}"}}, 404))
    urls = f"groq={upstream.base_url}?key={CANARY}"
    async with cascade(upstream, provider_base_urls=urls) as gateway:
        response = await gateway.call()
        await gateway.trace_of(response)
        _assert_absent(response.text + gateway.everything_kept(), CANARY)


# The stored key


CUT_401: dict[str, Sequence[bytes | End]] = {
    "whole": [json.dumps({"error": {"message": f"Incorrect API key provided: {STORED}."}}).encode()],
    "stalls within the key": [f'{{"error":{{"message":"Incorrect API key provided: {STORED[:-3]}'.encode(), End.HANG],
    "breaks within the key": [f"Incorrect API key provided: {STORED[:5]}".encode(), End.RESET],
}


@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.parametrize("steps", CUT_401.values(), ids=CUT_401.keys())
async def test_a_stored_key_is_neither_kept_nor_told(
    upstream: ScriptedUpstream, steps: Sequence[bytes | End], status: int
) -> None:
    upstream.answers(Answer(steps, status, {"content-type": "application/json"}))
    async with cascade(upstream, environment={"GROQ_API_KEY": STORED}, policy={"max_attempts": 1}) as gateway:
        response = await gateway.call()
        await gateway.trace_of(response)
        for size in range(5, len(STORED) + 1):
            assert STORED[:size] not in response.text + gateway.everything_kept()
        assert ("Incorrect" in response.text) is (status == 500)


async def test_the_operator_sees_what_a_provider_says_of_the_stored_key(upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"error": {"message": "Your project may not use this model.", "code": "no"}}, 403))
    async with cascade(upstream, environment={"GROQ_API_KEY": STORED}) as gateway:
        response = await gateway.call()
        trace = await gateway.trace_of(response)
    assert "Your project" not in response.text
    assert "answered 403 (code no)" in response.text
    assert trace.attempts[0].error == "answered 403: Your project may not use this model."


@pytest.mark.parametrize("code", ["invalid_api_key", "401", "PERMISSION_DENIED", "boom"])
@pytest.mark.parametrize("begun", [[], [chunk("Hello")]], ids=["first", "later"])
async def test_an_error_event_about_the_stored_key_is_not_told(
    upstream: ScriptedUpstream, begun: list[bytes], code: str
) -> None:
    upstream.answers(Answer([*begun, error("Your project may not use it.", code)]))
    async with cascade(upstream, environment={"GROQ_API_KEY": STORED}, policy={"max_attempts": 1}) as gateway:
        response = await gateway.call()
        trace = await gateway.trace_of(response)
    assert ("Your project" in response.text) is (code == "boom")
    assert trace.attempts[0].error == "Your project may not use it."


async def test_what_a_provider_says_of_the_callers_own_key_is_told(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    upstream.answers(json_answer({"error": {"message": f"Incorrect API key provided: {CANARY}."}}, 401))
    response = await gateway.call(**_keyed(upstream))
    assert "Incorrect API key provided: ***." in response.text


# Short keys


@pytest.mark.parametrize("key", ["e", "user", "EMPTY"])
async def test_a_short_key_leaves_bodies_as_they_are(
    gateway: RunningGateway, upstream: ScriptedUpstream, key: str
) -> None:
    response = await gateway.call(**_keyed(upstream, key), x_inference_task_id="EMPTY user")
    trace = await gateway.trace_of(response)
    bodies = gateway.bodies(trace)
    assert (bodies.request, bodies.response) == (json.dumps(chat()).encode(), response.content)
    assert trace.task_id == "EMPTY user"
