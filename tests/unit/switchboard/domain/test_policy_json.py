from dataclasses import fields
from typing import Any

import pytest

from switchboard.domain.limits import MAX_POLICY_BYTES
from switchboard.domain.policy import BufferWords, FallbackTarget, HedgeAfter, Policy
from switchboard.domain.policy_json import (
    POLICY_FIELDS,
    PolicyInvalid,
    PolicyTooLarge,
    parse_policy,
    policy_json,
    read_fallback,
    read_hedge_after,
    read_policy,
    read_stored_policy,
    read_task_id,
)

WRITTEN = {
    "provider": "anthropic",
    "fallback": ["groq/llama-3.3-70b-versatile", {"target": "openai/gpt-4o-mini", "ttft_timeout_ms": 3000}],
    "max_attempts": 3,
    "ttft_timeout_ms": 2500,
    "plan_timeout_ms": 15000,
    "hedge_after_ms": 800,
    "buffer_words": {"text": "Let me see", "after_ms": 1500},
    "zero_retention": True,
    "allowed_targets": ["openai", "anthropic/claude-sonnet-4-6"],
    "recognise_retries": True,
}
MEANT = Policy(
    provider="anthropic",
    fallback=(FallbackTarget("groq", "llama-3.3-70b-versatile"), FallbackTarget("openai", "gpt-4o-mini", 3000)),
    max_attempts=3,
    ttft_timeout_ms=2500,
    plan_timeout_ms=15000,
    hedge_after=HedgeAfter(ms=800),
    buffer_words=BufferWords("Let me see", 1500),
    zero_retention=True,
    allowed_targets=("openai", "anthropic/claude-sonnet-4-6"),
    recognises_retries=True,
)
A_TARGET = FallbackTarget("groq", "a")


def problems(value: object) -> dict[str, str]:
    """The problems, as field and sentence."""
    with pytest.raises(PolicyInvalid) as refused:
        read_policy(value)
    assert str(refused.value) == " ".join(problem.sentence for problem in refused.value.problems)
    return {problem.field: problem.sentence for problem in refused.value.problems}


def test_every_field_is_read_and_written() -> None:
    assert read_policy(WRITTEN) == MEANT
    assert policy_json(MEANT) == WRITTEN


def test_every_attribute_of_a_policy_has_a_json_field() -> None:
    assert [field.attribute for field in POLICY_FIELDS.values()] == [field.name for field in fields(Policy)]


def test_unset_fields_are_left_out_and_null_means_unset() -> None:
    assert policy_json(Policy(max_attempts=2)) == {"max_attempts": 2}
    assert read_policy(dict.fromkeys(POLICY_FIELDS)) == read_policy({}) == Policy()


def test_an_empty_list_and_empty_words_are_values() -> None:
    said = {"fallback": [], "allowed_targets": [], "buffer_words": {"text": ""}, "zero_retention": False}
    assert read_policy(said) == Policy(
        fallback=(), allowed_targets=(), buffer_words=BufferWords("", 0), zero_retention=False
    )
    assert policy_json(read_policy(said)) == said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (0, HedgeAfter()),
        (800, HedgeAfter(ms=800)),
        ("p50", HedgeAfter(quantile=0.5)),
        ("p95", HedgeAfter(quantile=0.95)),
        ("p99", HedgeAfter(quantile=0.99)),
    ],
)
def test_a_hedge_is_a_time_a_quantile_or_never(written: object, meant: HedgeAfter) -> None:
    assert read_policy({"hedge_after_ms": written}).hedge_after == meant
    assert policy_json(Policy(hedge_after=meant)) == {"hedge_after_ms": written}
    assert read_hedge_after(f" {written} ") == meant


def test_the_text_before_the_first_slash_is_the_provider_in_any_case_and_by_its_alias() -> None:
    read = read_policy(
        {
            "fallback": ["Gemini/gemini-2.5-flash", " together / meta-llama/Llama-3.3-70B "],
            "allowed_targets": ["gemini"],
        }
    )
    assert read.fallback == (
        FallbackTarget("google", "gemini-2.5-flash"),
        FallbackTarget("together", "meta-llama/Llama-3.3-70B"),
    )
    assert read.allowed_targets == ("google",)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("provider", "nobody"),
        ("provider", 7),
        ("fallback", "groq/llama"),
        ("fallback", ["groq/llama"] * 8),
        ("max_attempts", 0),
        ("max_attempts", 9),
        ("max_attempts", True),
        ("max_attempts", 2.0),
        ("max_attempts", "3"),
        ("ttft_timeout_ms", 300_001),
        ("plan_timeout_ms", -1),
        ("hedge_after_ms", "p49"),
        ("hedge_after_ms", "p100"),
        ("hedge_after_ms", "soon"),
        ("hedge_after_ms", -1),
        ("hedge_after_ms", False),
        ("hedge_after_ms", 0.0),
        ("hedge_after_ms", [800]),
        ("buffer_words", "Let me see"),
        ("zero_retention", "true"),
        ("zero_retention", 1),
        ("allowed_targets", {}),
        ("allowed_targets", ["openai"] * 101),
        ("recognise_retries", 0),
    ],
)
def test_an_invalid_value_is_refused_by_its_field(field: str, value: object) -> None:
    said = problems({field: value})
    assert list(said) == [field]
    assert f"`{field}`" in said[field]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"fallback": ["groq/llama", "gpt-4o"]}, "fallback[1]"),
        ({"fallback": ["nobody/gpt-4o"]}, "fallback[0]"),
        ({"fallback": ["groq/"]}, "fallback[0]"),
        ({"fallback": ["groq/a\nb"]}, "fallback[0]"),
        ({"fallback": [f"groq/{'x' * 257}"]}, "fallback[0]"),
        ({"fallback": [7]}, "fallback[0]"),
        ({"fallback": [{"ttft_timeout_ms": 300}]}, "fallback[0].target"),
        ({"fallback": [{"target": "groq/x", "ttft_timeout_ms": 0}]}, "fallback[0].ttft_timeout_ms"),
        ({"fallback": [{"target": "groq/x", "timeout": 1}]}, "fallback[0].timeout"),
        ({"buffer_words": {"text": "Hm"}}, "buffer_words.after_ms"),
        ({"buffer_words": {"after_ms": 100}}, "buffer_words.text"),
        ({"buffer_words": {"text": "x" * 201, "after_ms": 100}}, "buffer_words.text"),
        ({"buffer_words": {"text": "two\nlines", "after_ms": 100}}, "buffer_words.text"),
        ({"buffer_words": {"text": "", "after_ms": 0}}, "buffer_words.after_ms"),
        ({"allowed_targets": ["openai", "nobody"]}, "allowed_targets[1]"),
        ({"allowed_targets": ["openai/"]}, "allowed_targets[0]"),
        ({"max_atempts": 3}, "max_atempts"),
    ],
)
def test_a_nested_problem_names_its_path(value: object, field: str) -> None:
    assert list(problems(value)) == [field]


def test_every_problem_is_reported() -> None:
    wrong = {"max_attempts": 0, "fallback": ["a/b", "c/d"], "typo": 1, "buffer_words": {"after_ms": 0}, "provider": "x"}
    assert list(problems(wrong)) == [
        "max_attempts", "fallback[0]", "fallback[1]", "typo", "buffer_words.after_ms", "provider",
    ]  # fmt: skip


def test_an_unknown_field_or_provider_is_refused_with_the_known_ones() -> None:
    assert "`max_attempts`" in problems({"max_atempts": 3})["max_atempts"]
    assert "anthropic, azure," in problems({"fallback": ["nobody/x"]})["fallback[0]"]
    assert "`nobody/x`" in problems({"fallback": ["nobody/x"]})["fallback[0]"]


def test_long_values_are_shortened_in_problems() -> None:
    assert len(problems({"x" * 5000: 1}).popitem()[1]) < 400
    assert len(problems({"fallback": ["y" * 5000]})["fallback[0]"]) < 400


@pytest.mark.parametrize("value", [None, 1, "x", [], True])
def test_a_policy_is_an_object(value: object) -> None:
    assert problems(value) == {"": "A policy must be a JSON object."}


def test_a_json_text_is_parsed() -> None:
    assert parse_policy(b'{"provider": "gemini"}') == Policy(provider="google")


@pytest.mark.parametrize(
    "text",
    ["", "{", b"\xff", "[" * 100_000, '{"max_attempts": NaN}', '{"max_attempts": ' + "9" * 5000 + "}", '"\ud800"'],
)
def test_a_text_that_is_not_a_policy_is_refused(text: str | bytes) -> None:
    with pytest.raises(PolicyInvalid):
        parse_policy(text)


def test_the_length_of_a_text_is_limited() -> None:
    longest = b"{" + b" " * (MAX_POLICY_BYTES - 2) + b"}"
    assert parse_policy(longest) == Policy()
    with pytest.raises(PolicyTooLarge, match="16,384 bytes at most"):
        parse_policy(longest + b" ")


def test_a_duplicate_field_is_refused() -> None:
    with pytest.raises(PolicyInvalid, match="`max_attempts` is given more than once"):
        parse_policy('{"max_attempts": 1, "provider": "groq", "max_attempts": 2}')


def test_a_header_lists_fallback_targets_with_commas() -> None:
    assert read_fallback(" groq/a/b , gemini/c,") == (FallbackTarget("groq", "a/b"), FallbackTarget("google", "c"))
    assert read_fallback(" ") == ()


@pytest.mark.parametrize("text", ["gpt-4o", "groq/a,nobody/b", ",".join(["groq/a"] * 8), "groq/a;groq/b,x"])
def test_a_header_without_a_known_provider_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        read_fallback(text)
    assert all(problem.field.startswith("x-inference-fallback") for problem in refused.value.problems)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "p9", "p100", "٣", "9" * 10, "300001", "never"])
def test_an_invalid_hedge_header_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(PolicyInvalid, match="`x-inference-hedge-after-ms`"):
        read_hedge_after(text)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ({"newer": {"a": 1}, "max_attempts": 2}, Policy(max_attempts=2)),
        ({"hedge_after_ms": "p99.9", "provider": "openai"}, Policy(provider="openai")),
        ({"fallback": ["groq/a", "newer/b", {"target": "groq/c", "newer": 1}]}, Policy(fallback=(A_TARGET,))),
    ],
)
def test_unreadable_fields_of_a_stored_policy_are_skipped(written: Any, left: Policy) -> None:
    assert read_stored_policy(written) == left


def test_an_unreadable_limit_allows_nothing() -> None:
    assert read_stored_policy({"allowed_targets": ["openai", "newer/x"]}).allowed_targets == ("openai",)
    assert read_stored_policy({"allowed_targets": {"newer": 1}}).allowed_targets == ()
    assert read_stored_policy({"zero_retention": "strict"}).zero_retention is True


@pytest.mark.parametrize("value", ["no object", None, [], [{"max_attempts": 2}], 1, True])
def test_a_stored_policy_that_is_not_an_object_allows_nothing(value: object) -> None:
    assert read_stored_policy(value) == Policy(zero_retention=True, allowed_targets=())


@pytest.mark.parametrize("text", ["", " ", " a", "a ", "x" * 257, "a\nb", "\x7f", "\ud800"])
def test_a_task_id_that_no_call_can_have_is_refused(text: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        read_task_id(text)
    assert refused.value.problems[0].field == "task_id"


@pytest.mark.parametrize("text", ["default", "a/b #1", "ä 🙂", "x" * 256])
def test_a_task_id_may_be_any_other_text(text: str) -> None:
    assert read_task_id(text) == text
