"""What an answer and its host tell of how it was served."""

import json
from typing import Any

import pytest

from gateway.domain.call import Target
from gateway.providers.told import with_terms
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.stream.deltas import Delta, read_chunk, read_completion
from switchboard.stream.transcript import Transcript

USED = Usage(UsageSource.PROVIDER, Tokens(1, 2))


def target(dialect: str = "openai", host: str = "api.openai.com", model: str = "gpt-5.1") -> Target:
    return Target(dialect, f"https://{host}/v1/chat/completions", host, model, 1000, dialect=dialect)


def transcript(*deltas: Delta) -> Transcript:
    read = Transcript()
    for delta in deltas:
        read.add(delta)
    return read


def unchanged(text: str) -> str:
    return text


def told(usage: dict[str, Any] | None = None, where: Target | None = None, **fields: str) -> Usage:
    answer = transcript(Delta(usage=usage, service_tier=fields.get("tier"), model=fields.get("model")))
    return with_terms(USED, answer, where or target(), unchanged)


@pytest.mark.parametrize(
    ("usage", "beside", "tier"),
    [
        (None, "priority", "priority"),
        ({"prompt_tokens": 1}, "Default", "default"),
        ({"service_tier": "batch"}, None, "batch"),
        ({"service_tier": None}, "flex", "flex"),
        ({"traffic_type": "ON_DEMAND"}, None, "on_demand"),
        ({"trafficType": "ON_DEMAND_PRIORITY"}, None, "priority"),
        ({"extra_properties": {"google": {"traffic_type": "PROVISIONED_THROUGHPUT"}}}, None, "provisioned_throughput"),
        ({"extra_properties": {"google": {"traffic_type": "ON_DEMAND_FLEX"}}}, None, "flex"),
        ({"extra_properties": 7}, None, None),
    ],
)
def test_the_service_tier(usage: dict[str, Any] | None, beside: str | None, tier: str | None) -> None:
    answer = transcript(Delta(usage=usage, service_tier=beside))
    assert with_terms(USED, answer, target(), unchanged).service_tier == tier


@pytest.mark.parametrize("told_at", ["first", "last", "both", "changed"])
def test_the_last_tier_that_a_stream_tells_counts(told_at: str) -> None:
    chunks: dict[str, list[dict[str, Any]]] = {
        "first": [{"service_tier": "flex"}, {}],
        "last": [{}, {"service_tier": "flex"}],
        "both": [{"service_tier": "flex"}, {"service_tier": "flex"}],
        "changed": [{"service_tier": "auto"}, {"service_tier": "flex"}, {"service_tier": None}, {"service_tier": ""}],
    }
    read = transcript(*(read_chunk(json.dumps({"choices": []} | chunk).encode()) for chunk in chunks[told_at]))
    assert with_terms(USED, read, target(), unchanged).service_tier == "flex"


def test_streamed_equals_not_streamed() -> None:
    body = {"choices": [], "service_tier": "priority", "model": "gpt-9", "usage": {"prompt_tokens": 1}}
    text = json.dumps(body).encode()
    whole, chunk = (
        with_terms(USED, transcript(read(text)), target(), unchanged) for read in (read_completion, read_chunk)
    )
    assert whole == chunk
    assert (whole.service_tier, whole.answer_model) == ("priority", "gpt-9")


@pytest.mark.parametrize(
    ("dialect", "host", "region"),
    [
        ("openai", "api.openai.com", None),
        ("openai", "eu.api.openai.com", "eu"),
        ("openai", "US.api.openai.com", "us"),
        ("google", "generativelanguage.googleapis.com", None),
        ("google", "aiplatform.googleapis.com", None),
        ("google", "europe-west4-aiplatform.googleapis.com", "europe-west4"),
        ("google", "aiplatform.eu.rep.googleapis.com", "eu"),
        ("bedrock", "bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ("bedrock", "bedrock-mantle.eu-west-1.api.aws", "eu-west-1"),
        ("xai", "eu-west-1.api.x.ai", "eu-west-1"),
        ("together", "us-api.together.ai", "us"),
        ("together", "api.together.ai", None),
        ("azure", "acme.openai.azure.com", None),
        ("generic", "eu.api.openai.com.example.org", None),
    ],
)
def test_the_region_is_in_the_host(dialect: str, host: str, region: str | None) -> None:
    assert told(where=target(dialect, host)).region == region


@pytest.mark.parametrize(("geo", "region"), [("us", "us"), ("global", "global"), ("not_available", None), (7, None)])
def test_anthropic_tells_the_region_itself(geo: object, region: str | None) -> None:
    assert told({"inference_geo": geo}, target("anthropic", "api.anthropic.com")).region == region


def test_anthropic_tells_the_speed() -> None:
    assert told({"speed": "fast"}).speed == "fast"
    assert told({}).speed is None


@pytest.mark.parametrize(
    ("called", "answered", "kept"),
    [
        ("gpt-5.1", "gpt-5.1", None),
        ("gpt-5.1", "GPT-5.1-2025-11-13", None),
        ("gpt-5.1-2025-11-13", "gpt-5.1", None),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", None),
        ("models/gemini-2.5-flash", "gemini-2.5-flash", None),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022", None),
        ("gpt-5.1-codex-mini", "gpt-5.1", "gpt-5.1"),
        ("my-deployment", "gpt-5.1-2025-11-13", "gpt-5.1-2025-11-13"),
        ("model-router", "gpt-5-mini", "gpt-5-mini"),
        ("auto", "Qwen/Qwen3", "Qwen/Qwen3"),
        ("gpt-5", "gpt-5-mini", "gpt-5-mini"),
        ("m", "x" * 256, None),
    ],
)
def test_the_answers_model_is_kept_where_it_is_another(called: str, answered: str, kept: str | None) -> None:
    assert told(where=target(model=called), model=answered).answer_model == kept


@pytest.mark.parametrize(
    ("dialect", "model", "searches"),
    [
        ("openai", "gpt-4o-search-preview-2025-03-11", 1),
        ("openai", "gpt-5-search-api", 1),
        ("openai", "gpt-5.1", 0),
        ("generic", "gpt-5-search-api", 0),
    ],
)
def test_a_model_that_always_searches_has_searched_once(dialect: str, model: str, searches: int) -> None:
    where = target(dialect, model=model)
    assert with_terms(USED, transcript(), where, unchanged).tokens == Tokens(1, 2, searches=searches)
    counted = Usage(UsageSource.PROVIDER, Tokens(1, 2, searches=3))
    assert with_terms(counted, transcript(), where, unchanged).tokens == Tokens(1, 2, searches=3)


def test_unknown_usage_has_no_terms() -> None:
    answer = transcript(Delta(service_tier="priority", model="gpt-9"))
    assert with_terms(ABSENT, answer, target(), unchanged) == ABSENT


def test_a_secret_that_a_provider_repeats_is_not_kept() -> None:
    def scrub(text: str) -> str:
        return text.replace("sk-Secret", "[key]")

    answer = transcript(Delta((), {"speed": "sk-Secret"}, None, None, "model sk-Secret", "sk-Secret"))
    found = with_terms(USED, answer, target(), scrub)
    assert (found.speed, found.answer_model, found.service_tier) == ("[key]", "model [key]", "[key]")
