import json
from typing import Any

import pytest

from gateway.providers import table
from gateway.providers.chat_completions.usage import (
    UsageReader,
    read_by_total,
    read_openai,
    read_reasoning_outside,
    read_seconds_of_audio,
)
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from switchboard.stream.deltas import read_chunk
from testkit.usage_bodies import recorded_usage

OPENAI = {
    "prompt_tokens": 1117,
    "completion_tokens": 46,
    "total_tokens": 1163,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 30},
}
GROQ = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27, "queue_time": 0.01, "total_time": 0.05}
DEEPSEEK = {
    "prompt_tokens": 300,
    "completion_tokens": 20,
    "total_tokens": 320,
    "prompt_cache_hit_tokens": 256,
    "prompt_cache_miss_tokens": 44,
}
XAI = {
    "prompt_tokens": 32,
    "completion_tokens": 9,
    "total_tokens": 135,
    "prompt_tokens_details": {"cached_tokens": 6},
    "completion_tokens_details": {"reasoning_tokens": 94},
}
MISTRAL = {
    "prompt_tokens": 254,
    "completion_tokens": 99,
    "total_tokens": 353,
    "num_cached_tokens": 64,
    "prompt_tokens_details": {"cached_tokens": 48},
}
GPT_5_6 = {
    "prompt_tokens": 4020,
    "completion_tokens": 5,
    "total_tokens": 4025,
    "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 4012, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
OPENROUTER = GPT_5_6 | {
    "cost": 0.000151,
    "is_byok": False,
    "cost_details": {"upstream_inference_cost": 0.00014, "upstream_inference_prompt_cost": 8.1e-05},
}
VOXTRAL = {"prompt_audio_seconds": 203, "prompt_tokens": 4, "total_tokens": 3264, "completion_tokens": 635}
LITELLM = {
    "prompt_tokens": 590,
    "completion_tokens": 9,
    "total_tokens": 599,
    "cache_creation_input_tokens": 500,
    "prompt_tokens_details": {
        "cached_tokens": 80,
        "cache_creation_tokens": 500,
        "cache_creation_token_details": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 400},
    },
}
GEMINI = {"prompt_tokens": 12, "completion_tokens": 8, "total_tokens": 150}


def counted(fresh_input: int, output: int, **classes: int) -> Usage:
    return Usage(UsageSource.PROVIDER, Tokens(fresh_input, output, **classes))


@pytest.mark.parametrize(
    ("provider", "usage", "read"),
    [
        ("openai", OPENAI, counted(93, 46, cache_read=1024, reasoning=30)),
        ("groq", GROQ, counted(20, 7)),
        ("deepseek", DEEPSEEK, counted(44, 20, cache_read=256)),
        ("xai", XAI, counted(26, 103, cache_read=6, reasoning=94)),
        ("mistral", MISTRAL, counted(206, 99, cache_read=48)),
        ("mistral", VOXTRAL, counted(4, 635, audio_input=2625)),
        ("mistral", VOXTRAL | {"total_tokens": 639}, counted(4, 635, audio_input=203)),
        ("mistral", MISTRAL | {"prompt_audio_seconds": 6.2}, counted(206, 99, cache_read=48, audio_input=7)),
        ("mistral", MISTRAL | {"prompt_audio_seconds": None}, counted(206, 99, cache_read=48)),
        ("mistral", MISTRAL | {"prompt_audio_seconds": 0}, counted(206, 99, cache_read=48)),
        ("mistral", MISTRAL | {"prompt_audio_seconds": True}, counted(206, 99, cache_read=48)),
        ("mistral", MISTRAL | {"prompt_audio_seconds": float("inf")}, counted(206, 99, cache_read=48)),
        ("generic", LITELLM, counted(10, 9, cache_read=80, cache_write_5m=100, cache_write_1h=400)),
        (
            "generic",
            LITELLM | {"prompt_tokens_details": None, "cache_creation": {"ephemeral_1h_input_tokens": 9999}},
            counted(90, 9, cache_write_1h=500),
        ),
        ("openai", GPT_5_6, counted(2, 5, cache_read=6, cache_write_5m=4012)),
        ("openrouter", OPENROUTER, counted(2, 5, cache_read=6, cache_write_5m=4012)),
        ("google", GEMINI, counted(12, 138, reasoning=130)),
        ("google", GEMINI | {"total_tokens": 20}, counted(12, 8)),
        ("google", {"prompt_tokens": 12, "total_tokens": 90}, counted(12, 78, reasoning=78)),
        ("google", {"prompt_tokens": 12, "completion_tokens": 8}, counted(12, 8)),
        ("generic", {"prompt_tokens": 5, "completion_tokens": 0}, counted(5, 0)),
        ("generic", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, counted(0, 0)),
        ("generic", {"completion_tokens": 3, "total_tokens": 10}, counted(7, 3)),
        ("generic", {"prompt_tokens": 7, "completion_tokens": None, "total_tokens": 7}, counted(7, 0)),
    ],
)
def test_every_dialect_is_read_into_disjoint_classes(provider: str, usage: dict[str, Any], read: Usage) -> None:
    found = table.by_name(provider)
    assert found is not None
    assert found.read_usage(usage) == read


@pytest.mark.parametrize("reader", [read_openai, read_reasoning_outside, read_by_total, read_seconds_of_audio])
@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": "12", "completion_tokens": "3"},
        {"prompt_tokens": -1, "completion_tokens": -1},
        {"total_tokens": 12},
        {"prompt_tokens": 12},
        {"completion_tokens": 3},
        {"input_tokens": 12, "output_tokens": 3},
    ],
)
def test_missing_counters_are_absent_and_never_zero(reader: UsageReader, usage: dict[str, Any] | None) -> None:
    assert reader(usage) == ABSENT
    assert reader(usage).tokens is None


@pytest.mark.parametrize(
    "details",
    [None, [], "none", {"cached_tokens": None}, {"cached_tokens": "6"}, {"cached_tokens": -6}, {}],
)
def test_unreadable_details_are_ignored(details: object) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": details}
    assert read_openai(usage) == counted(10, 2)


def test_cached_tokens_are_never_more_than_the_prompt() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 99}}
    assert read_openai(usage) == counted(0, 2, cache_read=10)


def test_cached_and_written_tokens_are_never_more_than_the_prompt_together() -> None:
    details = {"cached_tokens": 7, "cache_write_tokens": 9}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": details}
    assert read_openai(usage) == counted(0, 2, cache_read=7, cache_write_5m=3)


def test_the_same_cached_tokens_in_two_places_are_counted_once() -> None:
    usage = DEEPSEEK | {"prompt_tokens_details": {"cached_tokens": 256}}
    assert read_openai(usage) == counted(44, 20, cache_read=256)


CACHED_AT = [
    {"prompt_tokens_details": {"cached_tokens": 7}},
    {"prompt_token_details": {"cached_tokens": 7}},
    {"cached_tokens": 7},
    {"num_cached_tokens": 7},
    {"num_cached_tokens": 7, "prompt_tokens_details": {"cached_tokens": 0}},
    {"cached_tokens": 7, "prompt_tokens_details": None},
    {"cache_read_input_tokens": 7},
]


@pytest.mark.parametrize("provider", ["generic", "mistral", "together", "google", "xai", "openrouter"])
@pytest.mark.parametrize("told", CACHED_AT, ids=json.dumps)
def test_cached_tokens_are_read_wherever_they_are_told(provider: str, told: dict[str, Any]) -> None:
    found = table.by_name(provider)
    assert found is not None
    assert found.read_usage({"prompt_tokens": 10, "completion_tokens": 2} | told) == counted(3, 2, cache_read=7)


@pytest.mark.parametrize(
    "choice", [{"usage": GROQ}, {"delta": {"content": "", "usage": GROQ}}, {"delta": None, "usage": GROQ}]
)
def test_usage_in_a_choice_is_read(choice: dict[str, Any]) -> None:
    chunk = read_chunk(json.dumps({"choices": [{"index": 0, **choice}], "usage": None}).encode())
    assert read_openai(chunk.usage) == counted(20, 7)


def test_usage_in_x_groq_is_read() -> None:
    chunk = read_chunk(json.dumps({"choices": [], "x_groq": {"id": "r", "usage": GROQ}}).encode())
    assert read_openai(chunk.usage) == counted(20, 7)


@pytest.mark.parametrize("line", recorded_usage("openai-chat"))
def test_recorded_usage_adds_up(line: dict[str, Any]) -> None:
    known = line["tokens"]
    tokens = read_openai(line["usage"]).tokens
    assert tokens is not None
    assert (tokens.prompt, tokens.output, tokens.cache_read, tokens.reasoning) == (
        known["input_tokens"],
        known["output_tokens"],
        known.get(
            "cache_read_tokens", line["usage"].get("num_cached_tokens", 0)
        ),  # that data set has none of Mistral's
        known.get("output_reasoning_tokens", 0),
    )
