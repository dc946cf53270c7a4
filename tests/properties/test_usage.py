from dataclasses import asdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers.chat_completions.usage import read_by_total, read_openai, read_reasoning_outside
from switchboard.domain.usage import ABSENT, UsageSource

COUNTS = st.integers(0, 10**7)
READERS = st.sampled_from([read_openai, read_reasoning_outside, read_by_total])
ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
)
NAMES = ["prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens"]
WILD = st.dictionaries(
    st.sampled_from([*NAMES, "prompt_tokens_details", "completion_tokens_details"]),
    ANYTHING | st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens"]), ANYTHING, max_size=2),
)


def _openai(fresh: int, cached: int, output: int, reasoning: int) -> dict[str, Any]:
    return {
        "prompt_tokens": fresh + cached,
        "completion_tokens": output,
        "total_tokens": fresh + cached + output,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


@settings(max_examples=120, deadline=None)
@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_classes_are_disjoint_and_add_up_to_the_counters(fresh: int, cached: int, sent: int, hidden: int) -> None:
    for read, output, reasoning in (
        (read_openai, sent, min(sent, hidden)),
        (read_reasoning_outside, sent + hidden, hidden),
    ):
        tokens = read(_openai(fresh, cached, sent, hidden)).tokens
        assert tokens is not None
        assert (tokens.fresh_input, tokens.cache_read) == (fresh, cached)
        assert (tokens.output, tokens.reasoning) == (output, reasoning)
        assert tokens.prompt == fresh + cached


@settings(max_examples=120, deadline=None)
@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_every_dialect_of_one_call_gives_equal_usage(fresh: int, cached: int, text: int, hidden: int) -> None:
    output = text + hidden
    openai = read_openai(_openai(fresh, cached, output, hidden))
    xai = read_reasoning_outside(_openai(fresh, cached, text, hidden))
    google = read_by_total(
        {
            "prompt_tokens": fresh + cached,
            "completion_tokens": text,
            "total_tokens": fresh + cached + output,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
    )
    deepseek = read_openai(
        {
            "prompt_tokens": fresh + cached,
            "completion_tokens": output,
            "prompt_cache_hit_tokens": cached,
            "prompt_cache_miss_tokens": fresh,
            "completion_tokens_details": {"reasoning_tokens": hidden},
        }
    )
    assert openai == xai == google == deepseek


@settings(max_examples=120, deadline=None)
@given(st.lists(COUNTS, min_size=8, max_size=8))
def test_objects_and_lists_of_modalities_give_equal_usage(counts: list[int]) -> None:
    text, audio, images, read_text, read_audio, read_images, said, spoken = counts
    prompt = {"text": text, "audio": audio, "image": images}
    cached = {"text": min(text, read_text), "audio": min(audio, read_audio), "image": min(images, read_images)}
    answer = {"text": said, "audio": spoken}
    totals: dict[str, Any] = {
        "prompt_tokens": sum(prompt.values()),
        "completion_tokens": said + spoken,
        "cached_tokens": sum(cached.values()),
    }
    as_objects = {
        "prompt_tokens_details": _object(prompt) | {"cached_tokens_details": _object(cached)},
        "completion_tokens_details": _object(answer),
    }
    as_lists = {
        "promptTokensDetails": _list(prompt),
        "cacheTokensDetails": _list(cached),
        "candidatesTokensDetails": _list(answer),
    }
    tokens = read_openai(totals | as_objects).tokens
    assert read_openai(totals | as_lists).tokens == tokens
    assert tokens is not None
    assert (tokens.prompt, tokens.completion) == (totals["prompt_tokens"], totals["completion_tokens"])
    assert (tokens.audio_cache_read, tokens.image_cache_read) == (cached["audio"], cached["image"])
    assert (tokens.audio_input + tokens.audio_cache_read, tokens.audio_output) == (audio, spoken)


def _object(counts: dict[str, int]) -> dict[str, int]:
    return {f"{name}_tokens": count for name, count in counts.items()}


def _list(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": name.upper(), "tokenCount": count} for name, count in counts.items()]


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(["cached", "audio", "image", "video", "cache_write"]), COUNTS), COUNTS, COUNTS)
def test_whatever_parts_are_told_the_classes_add_up(parts: dict[str, int], prompt: int, output: int) -> None:
    details = {f"{name}_tokens": count for name, count in parts.items()}
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": output, "prompt_tokens_details": details}
    tokens = read_openai(usage | {"completion_tokens_details": details}).tokens
    assert tokens is not None
    assert (tokens.prompt, tokens.completion) == (prompt, output)
    assert min(asdict(tokens).values()) >= 0
    assert tokens.cache_read + tokens.audio_cache_read + tokens.image_cache_read == min(prompt, parts.get("cached", 0))


@settings(max_examples=120, deadline=None)
@given(COUNTS, COUNTS, st.sampled_from(["prompt_tokens", "completion_tokens"]))
def test_a_missing_count_is_computed_from_the_other_two(prompt: int, output: int, left_out: str) -> None:
    whole = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
    part = {name: count for name, count in whole.items() if name != left_out}
    read, known = read_openai(part).tokens, read_openai(whole).tokens
    assert read is not None
    assert known is not None
    assert (read.prompt, read.output) == (known.prompt, known.output)


@settings(max_examples=200, deadline=None)
@given(READERS, WILD)
def test_any_usage_is_read_or_absent_and_never_negative(read: Any, usage: dict[str, Any]) -> None:
    found = read(usage)
    if found.tokens is None:
        assert found == ABSENT
        return
    tokens = found.tokens
    assert found.source is UsageSource.PROVIDER
    assert min(tokens.fresh_input, tokens.cache_read, tokens.output, tokens.reasoning) >= 0
    assert tokens.reasoning <= tokens.output
    assert any(isinstance(usage.get(name), int) for name in ("prompt_tokens", "completion_tokens"))


@settings(max_examples=120, deadline=None)
@given(READERS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_read_written_and_fresh_tokens_are_the_prompt(
    read: Any, prompt: int, cached: int, new: int, output: int
) -> None:
    details = {"cached_tokens": cached, "cache_write_tokens": new}
    tokens = read({"prompt_tokens": prompt, "completion_tokens": output, "prompt_tokens_details": details}).tokens
    assert tokens is not None
    assert tokens.prompt == prompt
    assert min(tokens.fresh_input, tokens.cache_read, tokens.cache_write_5m) >= 0
    assert tokens.cache_read <= cached
    assert tokens.cache_write_5m <= new
