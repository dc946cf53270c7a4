"""What a provider tells of tokens and costs is believed within bounds only, in every dialect."""

from typing import Any

import pytest

from gateway.providers import table
from gateway.providers.chat_completions.usage_doubts import IMPOSSIBLE_BILL, IMPOSSIBLE_COUNT
from gateway.providers.provider import Provider
from switchboard.domain.limits import MAX_BILL_PICO_USD, MAX_TOKENS
from switchboard.domain.usage import ABSENT, UsageSource

IMPOSSIBLE = [MAX_TOKENS + 1, 10**18, 10**40, 10**400, 1e300, float("inf"), float("nan"), -1, 0.5, True, "12"]
PROMPT = {"anthropic": "input_tokens"}
OUTPUT = {"anthropic": "output_tokens"}


def usage_of(dialect: str, prompt: object, output: object) -> dict[str, Any]:
    """A usage object with those counts."""
    return {PROMPT.get(dialect, "prompt_tokens"): prompt, OUTPUT.get(dialect, "completion_tokens"): output}


@pytest.mark.parametrize("row", table.PROVIDERS, ids=lambda row: row.dialect)
@pytest.mark.parametrize("count", IMPOSSIBLE, ids=lambda count: repr(count)[:20])
def test_an_impossible_count_is_not_told(row: Provider, count: object) -> None:
    for usage in (usage_of(row.dialect, count, 7), usage_of(row.dialect, 7, count)):
        assert row.usage_told(usage).source is not UsageSource.PROVIDER
        assert list(row.doubts(usage)) == [IMPOSSIBLE_COUNT]


@pytest.mark.parametrize("row", table.PROVIDERS, ids=lambda row: row.dialect)
def test_counts_that_are_impossible_together_are_not_told(row: Provider) -> None:
    usage = usage_of(row.dialect, MAX_TOKENS, MAX_TOKENS)
    assert row.usage_told(usage) == ABSENT
    assert list(row.doubts(usage)) == [IMPOSSIBLE_COUNT]


@pytest.mark.parametrize("row", table.PROVIDERS, ids=lambda row: row.dialect)
def test_the_largest_count_is_believed(row: Provider) -> None:
    usage = usage_of(row.dialect, MAX_TOKENS - 1, 1)
    tokens = row.usage_told(usage).tokens
    assert tokens is not None
    assert (tokens.prompt, tokens.output) == (MAX_TOKENS - 1, 1)
    assert list(row.doubts(usage)) == []


@pytest.mark.parametrize(
    ("dialect", "details"),
    [
        ("openai", {"prompt_tokens_details": {"cached_tokens": 10**18}}),
        ("openai", {"completion_tokens_details": {"reasoning_tokens": -3}}),
        ("deepseek", {"prompt_cache_hit_tokens": 10**40}),
        ("google", {"total_tokens": 10**18}),
        ("xai", {"completion_tokens_details": {"reasoning_tokens": 10**18}}),
        ("anthropic", {"cache_read_input_tokens": 10**18}),
        ("anthropic", {"cache_creation": {"ephemeral_1h_input_tokens": 10**18}}),
        ("anthropic", {"output_tokens_details": {"thinking_tokens": 1.5}}),
    ],
)
def test_an_impossible_part_of_a_count_is_left_out(dialect: str, details: dict[str, Any]) -> None:
    row = table.by_dialect(dialect)
    plain = usage_of(dialect, 20, 7)
    assert row.usage_told(plain | details) == row.usage_told(plain)
    assert list(row.doubts(plain | details)) == [IMPOSSIBLE_COUNT]


@pytest.mark.parametrize("cost", [1e300, 10**400, float("inf"), float("nan"), -1, "0.95", MAX_BILL_PICO_USD])
def test_an_impossible_bill_is_not_told(cost: object) -> None:
    row = table.by_dialect("openrouter")
    usage = usage_of("openrouter", 20, 7) | {"cost": cost}
    assert row.usage_told(usage) == row.usage_told(usage_of("openrouter", 20, 7))
    assert list(row.doubts(usage)) == [IMPOSSIBLE_BILL]


def test_an_impossible_cost_below_a_possible_one_is_left_out() -> None:
    usage = usage_of("openrouter", 20, 7) | {"cost": 0.5, "is_byok": True}
    usage |= {"cost_details": {"upstream_inference_cost": 1e300}}
    assert table.by_dialect("openrouter").usage_told(usage).billed_pico_usd == 5 * 10**11


def test_usual_usage_leaves_no_doubt() -> None:
    groq = usage_of("groq", 20, 7) | {"queue_time": 0.01, "prompt_tokens_details": None}
    openrouter = usage_of("openrouter", 20, 7) | {"cost": 0, "is_byok": False, "cost_details": None}
    assert list(table.by_dialect("groq").doubts(groq)) == []
    assert list(table.by_dialect("openrouter").doubts(openrouter)) == []
    assert list(table.by_dialect("openai").doubts(None)) == []
