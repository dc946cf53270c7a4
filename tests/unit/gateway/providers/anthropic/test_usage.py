from typing import Any

import pytest

from gateway.providers.anthropic.usage import read_anthropic, with_openai_counters
from gateway.providers.chat_completions.usage import read_openai
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from testkit.usage_bodies import recorded_usage

PLAIN = {"input_tokens": 731, "output_tokens": 110, "service_tier": "standard"}
CACHED = {
    "input_tokens": 6,
    "cache_creation_input_tokens": 574,
    "cache_read_input_tokens": 20443,
    "cache_creation": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 74},
    "output_tokens": 489,
    "output_tokens_details": {"thinking_tokens": 77},
    "server_tool_use": {"web_search_requests": 0},
}


def counted(fresh_input: int, output: int, **classes: int) -> Usage:
    return Usage(UsageSource.PROVIDER, Tokens(fresh_input, output, **classes))


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (PLAIN, counted(731, 110)),
        (CACHED, counted(6, 489, cache_read=20443, cache_write_5m=500, cache_write_1h=74, reasoning=77)),
        (PLAIN | {"cache_creation_input_tokens": 90}, counted(731, 110, cache_write_5m=90)),
        (PLAIN | {"cache_creation_input_tokens": 90, "cache_creation": None}, counted(731, 110, cache_write_5m=90)),
        (
            PLAIN | {"cache_creation_input_tokens": 90, "cache_creation": {"ephemeral_1h_input_tokens": 60}},
            counted(731, 110, cache_write_5m=30, cache_write_1h=60),
        ),
        (PLAIN | {"cache_read_input_tokens": None}, counted(731, 110)),
        (PLAIN | {"output_tokens_details": {"thinking_tokens": 999}}, counted(731, 110, reasoning=110)),
        ({"input_tokens": 0, "output_tokens": 0}, counted(0, 0)),
    ],
)
def test_counters_are_read_into_disjoint_classes(usage: dict[str, Any], read: Usage) -> None:
    assert read_anthropic(usage) == read


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"output_tokens": 12},
        {"input_tokens": "12", "output_tokens": "3"},
        {"input_tokens": -1, "output_tokens": 3},
        {"prompt_tokens": 12, "completion_tokens": 3},
    ],
)
def test_missing_counters_are_absent_and_never_zero(usage: dict[str, Any] | None) -> None:
    assert read_anthropic(usage) == ABSENT


def test_a_prompt_count_without_an_output_count_is_estimated() -> None:
    usage = read_anthropic({"input_tokens": 12, "cache_read_input_tokens": 6000})
    assert usage == Usage(UsageSource.ESTIMATED, Tokens(12, 0, cache_read=6000))


def test_both_dialects_of_one_call_give_equal_usage() -> None:
    both = with_openai_counters(CACHED)
    native, openai = read_anthropic(both).tokens, read_openai(both).tokens
    assert native == read_anthropic(CACHED).tokens
    assert native is not None
    assert openai == native
    assert both["total_tokens"] == native.prompt + native.output
    assert both["cache_creation"] == CACHED["cache_creation"]


def test_counters_that_cannot_be_read_pass_as_they_are() -> None:
    assert with_openai_counters({"input_tokens": 12}) == {"input_tokens": 12}


@pytest.mark.parametrize("line", recorded_usage("anthropic-messages"))
def test_recorded_usage_adds_up(line: dict[str, Any]) -> None:
    known = line["tokens"]
    tokens = read_anthropic(line["usage"]).tokens
    assert tokens is not None
    assert (tokens.prompt, tokens.output, tokens.cache_read, tokens.reasoning) == (
        known["input_tokens"],
        known["output_tokens"],
        known.get("cache_read_tokens", 0),
        known.get("output_reasoning_tokens", 0),
    )
    assert tokens.cache_write_5m + tokens.cache_write_1h == known.get("cache_write_tokens", 0)
    assert tokens.cache_write_5m == known.get("cache_write_5m_tokens", 0)
