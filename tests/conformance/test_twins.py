"""The twins themselves: what a provider refuses, its twin refuses with the same text and body."""

import json
from dataclasses import replace
from typing import Any

import pytest

from testkit.twins import closed_models, hosted_models, laboratories, openai_models
from testkit.twins.dialect import Dialect, Json
from testkit.twins.gateway import TwinGateway, headers_for
from testkit.twins.provider_twins import DIALECTS, KEY, OPENAI_SHAPED, refuse
from testkit.twins.received import read_response
from testkit.twins.reply import text_reply
from testkit.upstream import Request

USER = {"role": "user", "content": "Hello?"}
ASSISTANT = {"role": "assistant", "content": "Good morning."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "end_call", "arguments": "{}"}}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "ok"}


def request(dialect: Dialect, headers: dict[str, str] | None = None, **fields: Any) -> Request:
    body = {"model": dialect.model, "messages": [USER]} | fields
    key = {"authorization": f"Bearer {KEY}", "api-key": KEY} if headers is None else headers
    return Request("POST", dialect.path, key, json.dumps(body).encode(), 1, 0.0)


@pytest.mark.parametrize("dialect", OPENAI_SHAPED, ids=lambda dialect: dialect.name)
def test_a_plain_request_is_answered(dialect: Dialect) -> None:
    assert refuse(dialect, request(dialect), dialect.path) is None


@pytest.mark.parametrize("dialect", OPENAI_SHAPED, ids=lambda dialect: dialect.name)
def test_a_wrong_path_key_or_model_is_refused(dialect: Dialect) -> None:
    plain = request(dialect)
    assert refuse(dialect, plain, "/v1/v1/chat/completions") == dialect.wrong_path
    assert refuse(dialect, request(dialect, headers={}), dialect.path) == dialect.wrong_key
    wrong = {"authorization": "Bearer another", "api-key": "another"}
    assert refuse(dialect, request(dialect, headers=wrong), dialect.path) == dialect.wrong_key
    unknown = refuse(dialect, request(dialect, model="gpt-nobody"), dialect.path)
    assert unknown == dialect.unknown_model("gpt-nobody")
    assert unknown.status in {400, 404}


def test_azure_requires_its_own_key_header_and_an_api_version() -> None:
    azure = openai_models.AZURE
    as_bearer = request(azure, headers={"authorization": f"Bearer {KEY}"})
    assert refuse(azure, as_bearer, azure.path) == azure.wrong_key
    assert refuse(azure, request(azure), azure.path.partition("?")[0]) == azure.wrong_path


@pytest.mark.parametrize("dialect", OPENAI_SHAPED, ids=lambda dialect: dialect.name)
def test_a_limit_of_minus_one_is_refused(dialect: Dialect) -> None:
    refusal = refuse(dialect, request(dialect, max_tokens=-1), dialect.path)
    assert refusal is not None
    assert refusal.status in {400, 422}


@pytest.mark.parametrize(
    "dialect",
    [
        openai_models.OPENAI,
        openai_models.AZURE,
        openai_models.BEDROCK,
        closed_models.GOOGLE,
        hosted_models.GROQ,
        hosted_models.CEREBRAS,
        hosted_models.FIREWORKS,
        laboratories.MISTRAL,
    ],
    ids=lambda dialect: dialect.name,
)
@pytest.mark.parametrize("field", ["user_id", "elevenlabs_extra_body"])
def test_fields_that_elevenlabs_adds_are_refused(dialect: Dialect, field: str) -> None:
    fields: Json = {field: "caller-17"}
    refusal = refuse(dialect, request(dialect, **fields), dialect.path)
    assert refusal is not None
    assert field in refusal.message + (refusal.param or "")


REFUSED = [
    (openai_models.OPENAI, {"model": "gpt-5.1", "max_tokens": 9}, "'max_tokens' is not supported with this model"),
    (openai_models.OPENAI, {"model": "o3", "temperature": 0.2}, "'temperature' does not support 0.2"),
    (openai_models.OPENAI, {"stream_options": {}}, "only allowed when 'stream'"),
    (openai_models.OPENAI, {"messages": [USER, RESULT]}, "'tool_calls' must be followed"),
    (openai_models.OPENAI, {"messages": [USER, CALLS, USER]}, "'tool_calls' must be followed"),
    (openai_models.OPENAI, {"messages": [USER | {"who": 1}]}, "messages.0.who"),
    (closed_models.ANTHROPIC_LAYER, {"messages": [USER, ASSISTANT]}, "does not support assistant message prefill"),
    (closed_models.ANTHROPIC_LAYER, {"messages": [{"role": "system", "content": "x"}]}, "at least one message"),
    (closed_models.GOOGLE, {"store": True}, 'Unknown name "store"'),
    (closed_models.GOOGLE, {"frequency_penalty": 0}, 'Unknown name "frequency_penalty"'),
    (closed_models.GOOGLE, {"messages": [USER, CALLS, RESULT]}, "missing a thought_signature"),
    (closed_models.GOOGLE, {"messages": [USER, ASSISTANT]}, "end with a user role"),
    (hosted_models.GROQ, {"logprobs": True}, "'logprobs' is unsupported"),
    (hosted_models.GROQ, {"n": 2}, "'n' : number must be at most 1"),
    (hosted_models.GROQ, {"messages": [USER | {"name": "Bob"}]}, "'messages.0' : property 'name' is unsupported"),
    (hosted_models.CLOUDFLARE, {"messages": [USER, CALLS, RESULT]}, "Bad input"),
    (hosted_models.CLOUDFLARE, {"messages": [USER | {"content": [{"type": "text", "text": "Hi"}]}]}, "Bad input"),
    (laboratories.MISTRAL, {"messages": [USER | {"who": 1}]}, "Extra inputs are not permitted"),
    (laboratories.MISTRAL, {"stream_options": {"include_usage": True}}, "Extra inputs are not permitted"),
    (laboratories.MISTRAL, {"messages": [USER, CALLS, RESULT]}, "must be a-z, A-Z, 0-9, with a length of 9"),
    (laboratories.MISTRAL, {"messages": [USER, ASSISTANT]}, "Expected last role User or Tool"),
    (laboratories.XAI, {"presence_penalty": 0.1}, "Argument not supported"),
    (hosted_models.CEREBRAS, {"store": True}, "'body.store' is unsupported"),
    (hosted_models.CEREBRAS, {"metadata": {}}, "'body.metadata' is unsupported"),
]


@pytest.mark.parametrize(("dialect", "fields", "message"), REFUSED)
def test_an_unsupported_request_is_refused(dialect: Dialect, fields: Json, message: str) -> None:
    refusal = refuse(dialect, request(dialect, **fields), dialect.path)
    assert refusal is not None
    assert message in refusal.message + (refusal.param or "")
    assert refusal.status == (422 if refusal.code == "extra_forbidden" else 400)


def test_claude_before_4_6_continues_its_own_turn() -> None:
    older = replace(closed_models.ANTHROPIC_LAYER, models=("claude-haiku-4-5",))
    assert refuse(older, request(older, messages=[USER, ASSISTANT]), older.path) is None


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_refused_key_is_reported_with_the_providers_text(gateway: TwinGateway, dialect: Dialect) -> None:
    gateway.twins.reply_with(text_reply("Never said."))
    response = gateway.client.post(
        "/v1/chat/completions",
        json={"model": dialect.model, "messages": [USER]},
        headers=headers_for(dialect.base_url) | dict(dialect.headers) | {"x-inference-provider-api-key": "sk-another"},
    )
    (refusal,) = gateway.twins.refused
    received = read_response(response)
    assert received.error is not None
    assert refusal.message in received.error["message"]
    assert "sk-another" not in response.text
    # 401 is never passed on: to the caller it would mean its gateway key.
    assert response.status_code == (400 if refusal.status == 400 else 424)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_an_unknown_model_is_reported_with_the_providers_text(gateway: TwinGateway, dialect: Dialect) -> None:
    response = gateway.client.post(
        "/v1/chat/completions",
        json={"model": "nobody-1", "messages": [USER]},
        headers=headers_for(dialect.base_url) | dict(dialect.headers),
    )
    (refusal,) = gateway.twins.refused
    received = read_response(response)
    assert received.error is not None
    assert refusal.message in received.error["message"]
    assert response.status_code == refusal.status
