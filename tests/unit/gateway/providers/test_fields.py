"""Request fields that depend on the model or on other fields."""

import json
from typing import Any

import pytest

from gateway.api.body import read_chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from testkit.twins.anthropic_rules import refuse

HELLO = {"role": "user", "content": "Hello?"}
SCHEMA = {
    "type": "object",
    "properties": {
        "format": {"type": ["string", "null"], "minLength": 1, "description": "How."},
        "day": {"type": "string", "format": "date"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "place": {"oneOf": [{"$ref": "#/definitions/place"}, {"type": "null"}]},
        "names": {"type": "array", "items": {"type": "string", "pattern": "a"}, "minItems": 3},
    },
    "required": ["day"],
    "definitions": {"place": {"type": "object", "properties": {"x": {"type": "number"}}}},
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}


def sent(dialect: str, model: str, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The request that the provider gets, and its notes."""
    chat = read_chat(json.dumps({"model": model, "messages": [HELLO], **fields}).encode())
    body, notes = table.by_dialect(dialect).encode(chat, model, SignatureMemory(Clock()))
    return json.loads(body), notes


@pytest.mark.parametrize(
    ("dialect", "model"),
    [
        ("openai", "gpt-4.1"),
        ("openai", "gpt-4o-mini"),
        ("openai", "ft:gpt-4o-mini:acme"),
        ("openai", "gpt-5-chat-latest"),
        ("azure", "gpt-35-turbo"),
        ("groq", "llama-3.3-70b-versatile"),
        ("groq", "meta-llama/llama-4-scout-17b-16e-instruct"),
        ("mistral", "mistral-large-latest"),
        ("mistral", "ministral-8b-latest"),
        ("google", "gemini-2.0-flash"),
        ("google", "models/gemini-1.5-pro"),
        ("cerebras", "llama3.1-8b"),
        ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("bedrock", "us.meta.llama3-3-70b-instruct-v1:0"),
        ("generic", "gpt-4.1"),
    ],
)
def test_reasoning_effort_is_left_out_for_a_model_that_does_not_reason(dialect: str, model: str) -> None:
    body, notes = sent(dialect, model, reasoning_effort="low")
    assert "reasoning_effort" not in body
    assert notes == ("left out reasoning_effort",)


@pytest.mark.parametrize(
    ("dialect", "model"),
    [
        ("openai", "o4-mini"),
        ("openai", "gpt-5"),
        ("azure", "my-deployment"),
        ("groq", "openai/gpt-oss-120b"),
        ("groq", "qwen/qwen3-32b"),
        ("groq", "deepseek-r1-distill-llama-70b"),
        ("mistral", "mistral-small-latest"),
        ("mistral", "magistral-medium-latest"),
        ("google", "gemini-2.5-flash"),
        ("google", "gemini-3-flash"),
        ("cerebras", "zai-glm-4.7"),
        ("together", "deepseek-ai/DeepSeek-R1-Distill-Llama-70B"),
        ("generic", "a-model-of-my-own"),
        ("generic", "llama-3-reasoning"),
    ],
)
def test_a_model_that_reasons_or_is_unknown_gets_reasoning_effort(dialect: str, model: str) -> None:
    assert sent(dialect, model, reasoning_effort="low")[0]["reasoning_effort"] == "low"


@pytest.mark.parametrize("dialect", ["openai", "azure"])
def test_metadata_is_sent_only_with_store(dialect: str) -> None:
    metadata = {"a": "b"}
    body, notes = sent(dialect, "gpt-4.1", metadata=metadata)
    assert ("metadata" in body, notes) == (False, ("left out metadata",))
    assert "metadata" not in sent(dialect, "gpt-4.1", metadata=metadata, store=False)[0]
    assert sent(dialect, "gpt-4.1", metadata=metadata, store=True)[0]["metadata"] == metadata
    assert sent("mistral", "mistral-large-latest", metadata=metadata)[0]["metadata"] == metadata


@pytest.mark.parametrize("dialect", ["openai", "xai", "generic", "fireworks"])
def test_fields_that_need_another_are_left_out_without_it(dialect: str) -> None:
    body, _ = sent(dialect, "a-model", top_logprobs=3, function_call="auto", functions=[])
    assert not body.keys() & {"top_logprobs", "function_call", "functions"}
    assert "top_logprobs" not in sent(dialect, "a-model", top_logprobs=3, logprobs=False)[0]
    assert sent(dialect, "a-model", top_logprobs=3, logprobs=True)[0]["top_logprobs"] == 3


@pytest.mark.parametrize(("model", "is_sent"), [("gpt-5", True), ("gpt-4.1", False), ("o3", False), ("mine", True)])
def test_verbosity_is_sent_to_models_that_take_it(model: str, is_sent: bool) -> None:
    assert ("verbosity" in sent("openai", model, verbosity="low")[0]) is is_sent


@pytest.mark.parametrize(("model", "is_sent"), [("o3-mini", True), ("o3", False), ("o4-mini", False), ("gpt-5", False)])
def test_stop_is_sent_to_models_that_obey_it(model: str, is_sent: bool) -> None:
    assert ("stop" in sent("openai", model, stop=["x"])[0]) is is_sent


NEWEST = {
    "openai": {"prompt_cache_options": {"mode": "x"}, "moderation": {"model": "x"}},
    "azure": {"prompt_cache_options": {"mode": "x"}, "moderation": {"model": "x"}},
    "cerebras": {"frequency_penalty": 1, "presence_penalty": 1, "logit_bias": {"1": 1}, "prompt_cache_key": "k"},
    "mistral": {"top_k": 4, "min_tokens": 1, "logprobs": True},
    "fireworks": {"prompt_cache_key": "k", "raw_output": True},
}


@pytest.mark.parametrize(("dialect", "fields"), NEWEST.items(), ids=NEWEST)
def test_fields_of_the_newest_sdks_are_sent(dialect: str, fields: dict[str, Any]) -> None:
    body, _ = sent(dialect, "a-model", **fields)
    assert {name: body.get(name) for name in fields} == fields


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-opus-20240229", 4096),
        ("claude-3-5-haiku-latest", 8192),
        ("claude-3-7-sonnet-latest", 64_000),
        ("claude-sonnet-4-0", 64_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-opus-4-1", 32_000),
        ("claude-haiku-4-5", 64_000),
        ("claude-opus-4-6", 128_000),
        ("claude-sonnet-5", 128_000),
    ],
)
@pytest.mark.parametrize("dialect", ["anthropic", "anthropic-openai"])
def test_the_output_limit_is_what_the_model_documents(dialect: str, model: str, limit: int) -> None:
    body, notes = sent(dialect, model, max_tokens=128_000)
    assert body["max_tokens"] == limit
    assert (f"lowered max_tokens to {limit}" in notes) is (limit < 128_000)


@pytest.mark.parametrize(
    ("dialect", "model"),
    [
        ("deepseek", "deepseek-chat"),
        ("groq", "llama-3.3-70b-versatile"),
        ("openai", "gpt-4-turbo"),
        ("azure", "gpt-35-turbo"),
    ],
)
def test_a_schema_is_sent_as_text_where_only_json_is_known(dialect: str, model: str) -> None:
    body, notes = sent(dialect, model, response_format=FORMAT)
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0] == HELLO
    assert body["messages"][1]["role"] == "system"
    assert json.loads(body["messages"][1]["content"].partition("\n")[2]) == SCHEMA
    assert "JSON" in body["messages"][1]["content"]
    assert notes == ("sent response_format json_schema as json_object, and the schema as a system message",)


@pytest.mark.parametrize(
    ("dialect", "model"),
    [("groq", "openai/gpt-oss-20b"), ("openai", "gpt-4.1"), ("mistral", "mistral-large-latest"), ("generic", "mine")],
)
def test_a_schema_is_sent_as_it_is_where_it_is_known(dialect: str, model: str) -> None:
    body, _ = sent(dialect, model, response_format=FORMAT)
    assert (body["response_format"], body["messages"]) == (FORMAT, [HELLO])


def test_native_claude_gets_the_schema_reduced_to_what_it_documents() -> None:
    body, notes = sent("anthropic", "claude-sonnet-4-6", response_format=FORMAT, reasoning_effort="low")
    assert refuse(body) is None
    assert body["output_config"]["effort"] == "low"
    assert body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "format": {"description": "How.", "anyOf": [{"type": "string"}, {"type": "null"}]},
                "day": {"type": "string", "format": "date"},
                "count": {"type": "integer"},
                "place": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]},
                "names": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["day"],
            "$defs": {
                "place": {"type": "object", "properties": {"x": {"type": "number"}}, "additionalProperties": False}
            },
            "additionalProperties": False,
        },
    }
    assert notes == ("left out maximum, minItems, minLength, minimum, pattern in the schema of response_format",)


def test_an_older_claude_gets_no_schema() -> None:
    body, notes = sent("anthropic", "claude-sonnet-4-0", response_format=FORMAT)
    assert "output_config" not in body
    assert notes == ("left out response_format",)
