"""Keys and headers for the provider: how they are pasted, where they are sent, and where never."""

import time
from collections.abc import AsyncIterator

import pytest

from gateway.api.credentials import gateway_key, secrets_of, upstream_headers, without_scheme
from gateway.api.headers import read_route
from gateway.domain.errors import HeaderMalformed
from testkit.cascade import cascade
from testkit.openai_events import DONE, chunk, finish
from testkit.running_gateway import KEY, chat, running_gateway
from testkit.upstream import Answer, ScriptedUpstream, json_answer

SPOKEN = Answer([chunk("Hello"), finish(), DONE])
OURS = "sb-the-callers"


@pytest.fixture
async def upstreams() -> AsyncIterator[tuple[ScriptedUpstream, ScriptedUpstream]]:
    with ScriptedUpstream() as first, ScriptedUpstream() as second:
        yield first, second


@pytest.mark.parametrize(
    "pasted", ["k-1", "Bearer k-1", "bearer  k-1 ", "Bearer Bearer k-1", " BEARER k-1", "Bearer\tbearer k-1"]
)
def test_the_scheme_is_removed_wherever_a_key_is_read(pasted: str) -> None:
    assert without_scheme(pasted) == "k-1"
    assert gateway_key({"authorization": pasted}) == "k-1"
    assert gateway_key({"x-inference-project-api-key": pasted}) == "k-1"
    headers = {
        "authorization": f"Bearer {OURS}",
        "x-inference-provider-api-key": pasted,
        "x-inference-key-groq": pasted,
    }
    route = read_route(headers)
    assert route.key is not None
    assert (route.key.reveal(), route.keys["groq"].reveal()) == ("k-1", "k-1")
    assert "k-1" in {secret.reveal() for secret in secrets_of(headers)}


@pytest.mark.parametrize("name", ["authorization", "x-inference-upstream-header-cf-aig-authorization"])
@pytest.mark.parametrize("unit", [" ", "\t ", "bearer ", "bearer,", "basic ", "token  ", "{", '["'])
def test_the_secrets_of_a_long_header_are_found_in_linear_time(name: str, unit: str) -> None:
    headers = {name: f"a{unit * 60_000}b", "x-inference-project-api-key": f"{unit * 60_000}b"}
    began = time.process_time()
    secrets_of(headers)
    gateway_key(headers)
    assert time.process_time() - began < 1.0  # 60 s where each space is looked at once for each space before it


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "", "  "])
def test_a_scheme_alone_is_no_key(value: str) -> None:
    assert gateway_key({"authorization": value}) is None


@pytest.mark.parametrize("authorization", [f"Bearer {OURS}", OURS, "Bearer sb-another", f"Bearer Bearer {OURS}"])
def test_a_gateway_key_in_authorization_is_not_the_providers(authorization: str) -> None:
    headers = {"authorization": authorization, "x-inference-project-api-key": OURS}
    assert gateway_key(headers) == OURS
    assert read_route(headers).key is None


@pytest.mark.parametrize(
    "name",
    [
        "connection",
        "transfer-encoding",
        "host",
        "content-length",
        "authorization",
        "cookie",
        "x-forwarded-for",
        "te",
        "",
    ],
)
def test_other_upstream_headers_are_refused_with_the_allowed_names(name: str) -> None:
    with pytest.raises(HeaderMalformed, match="openai-organization"):
        upstream_headers({f"x-inference-upstream-header-{name}": "x"})


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "ü"])
def test_an_upstream_headers_value_is_checked(value: str) -> None:
    with pytest.raises(HeaderMalformed):
        upstream_headers({"x-inference-upstream-header-x-portkey-config": value})


async def test_upstream_headers_are_sent_to_the_first_target_alone(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(json_answer({"error": {"message": "no pc-canary-12 here"}}, 500))
    second.answers(SPOKEN)
    async with cascade(first, second) as gateway:
        response = await gateway.call(
            x_inference_upstream_header_cf_aig_authorization="Bearer pc-canary-12",
            x_inference_upstream_header_openai_organization="org-1",
        )
        trace = await gateway.trace()
        assert response.status_code == 200
        assert "pc-canary-12" not in repr(trace) + repr(gateway.log.lines)
        assert "ignored header" not in repr(trace.notes)
    assert first.requests[0].headers["cf-aig-authorization"] == "Bearer pc-canary-12"
    assert first.requests[0].headers["openai-organization"] == "org-1"
    assert not {"cf-aig-authorization", "openai-organization"} & second.requests[0].headers.keys()


@pytest.mark.parametrize(
    "header",
    ["x_inference_provider_api_key", "x_inference_key_openai", "x_inference_upstream_header_x_portkey_api_key"],
)
async def test_a_key_of_this_deployment_is_not_sent_to_a_provider(header: str) -> None:
    with ScriptedUpstream() as upstream:
        upstream.answers(SPOKEN)
        async with running_gateway(upstream.host) as gateway:
            headers = {"x_inference_provider_url": upstream.base_url, header: f"Bearer {KEY}"}
            response = await gateway.call(**headers)
            assert response.status_code == 400
            assert "gateway key of this deployment" in response.json()["error"]["message"]
            assert KEY not in response.text
            headers[header] = "sb-the-key-of-another-switchboard"
            assert (await gateway.call(**headers)).status_code == 200
        assert len(upstream.requests) == 1


async def test_a_model_of_the_list_can_be_asked_for_by_name() -> None:
    async with running_gateway() as gateway:
        found = await gateway.client.get("/v1/models/gpt-4o")
        assert (found.json()["id"], found.json()["context_window"]) == ("gpt-4o", 128_000)
        unknown = await gateway.client.get("/base/v1/models/nobody/model")
        assert unknown.status_code == 404
        assert "nobody/model" in unknown.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/llm/v1/chat/completions", "/a/b/chat/completions", "/llm/v1/v1/chat/completions/"])
async def test_a_base_path_of_a_custom_domain_is_served(path: str) -> None:
    with ScriptedUpstream() as upstream:
        upstream.answers(SPOKEN)
        async with running_gateway(upstream.host) as gateway:
            response = await gateway.call(chat(), path, x_inference_provider_url=upstream.base_url)
            assert response.status_code == 200


async def test_the_responses_api_is_answered_with_the_setting_that_helps() -> None:
    async with running_gateway() as gateway:
        response = await gateway.call({"model": "gpt-4o", "input": "Hello"}, "/v1/responses")
        assert response.status_code == 404
        assert "Chat Completions" in response.json()["error"]["message"]
