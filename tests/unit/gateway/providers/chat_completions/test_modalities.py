"""Tokens of audio and images are classes of their own, whatever the way in which a provider tells them."""

from typing import Any

import pytest

from gateway.providers.chat_completions.usage import read_openai
from switchboard.domain.usage import Tokens

OPENAI = {
    "prompt_tokens": 1000,
    "completion_tokens": 300,
    "total_tokens": 1300,
    "prompt_tokens_details": {"audio_tokens": 400, "image_tokens": 100, "cached_tokens": 50, "text_tokens": 500},
    "completion_tokens_details": {"audio_tokens": 200, "reasoning_tokens": 60, "text_tokens": 100},
}
SPLIT = Tokens(
    fresh_input=450, output=100, cache_read=50, reasoning=60, audio_input=400, audio_output=200, image_input=100
)


def read(usage: dict[str, Any]) -> Tokens:
    tokens = read_openai(usage).tokens
    assert tokens is not None
    return tokens


def test_audio_and_images_are_not_text() -> None:
    assert read(OPENAI) == SPLIT


def modalities(**counts: int) -> list[dict[str, Any]]:
    return [{"modality": name.upper(), "tokenCount": count} for name, count in counts.items()]


@pytest.mark.parametrize("prompt", ["promptTokensDetails", "prompt_tokens_details"])
@pytest.mark.parametrize("answer", ["candidatesTokensDetails", "completion_tokens_details"])
def test_googles_lists_tell_the_same(prompt: str, answer: str) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 300,
        "cached_tokens": 50,
        prompt: modalities(text=500, audio=400, image=60, video=40),
        answer: modalities(text=100, audio=200),
    }
    found = read(usage)
    assert found == Tokens(450, 100, cache_read=50, audio_input=400, audio_output=200, image_input=100)


@pytest.mark.parametrize(
    "usage",
    [
        {"cacheTokensDetails": modalities(text=30, audio=20)},
        {"cached_tokens_details": {"text_tokens": 30, "audio_tokens": 20}},
    ],
)
def test_what_was_read_from_the_cache_is_split_where_it_is_told(usage: dict[str, Any]) -> None:
    details = {"audio_tokens": 400, "cached_tokens": 50}
    found = read({"prompt_tokens": 1000, "completion_tokens": 3, "prompt_tokens_details": details} | usage)
    assert found == Tokens(570, 3, cache_read=30, audio_input=380, audio_cache_read=20)


def test_the_split_of_the_cache_within_the_details_of_the_prompt_is_read() -> None:
    cached = {"text_tokens": 30, "audio_tokens": 15, "image_tokens": 5}
    details = {"audio_tokens": 400, "image_tokens": 10, "cached_tokens": 50, "cached_tokens_details": cached}
    assert read({"prompt_tokens": 1000, "completion_tokens": 3, "prompt_tokens_details": details}) == Tokens(
        560, 3, cache_read=30, audio_input=385, audio_cache_read=15, image_input=5, image_cache_read=5
    )


def test_cached_tokens_beyond_the_text_were_audio_or_images() -> None:
    details = {"audio_tokens": 60, "image_tokens": 30, "cached_tokens": 95}
    assert read({"prompt_tokens": 100, "completion_tokens": 3, "prompt_tokens_details": details}) == Tokens(
        0, 3, cache_read=10, audio_cache_read=60, image_cache_read=25, image_input=5
    )


@pytest.mark.parametrize("details", [{"audio_tokens": 5000}, {"image_tokens": 5000, "audio_tokens": 400}])
def test_parts_are_never_more_than_their_whole(details: dict[str, int]) -> None:
    found = read(
        {
            "prompt_tokens": 1000,
            "completion_tokens": 300,
            "prompt_tokens_details": details,
            "completion_tokens_details": details,
        }
    )
    assert (found.prompt, found.completion) == (1000, 300)
    assert found.fresh_input == found.output == 0


@pytest.mark.parametrize("details", [None, "none", 7, [None, "x", {"modality": 7}], [{"modality": "AUDIO"}], {}])
def test_details_that_cannot_be_read_are_text(details: object) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": details}
    assert read(usage) == Tokens(10, 2)


@pytest.mark.parametrize(
    ("usage", "searches"),
    [
        ({"num_sources_used": 4}, 4),
        ({"num_search_queries": 2, "num_sources_used": 0}, 2),
        ({"server_tool_use": {"web_search_requests": 3}}, 3),
        ({"server_tool_use_details": {"web_search_requests": 1, "tool_calls_executed": 9}}, 1),
        ({"server_tool_use": None, "num_sources_used": "7"}, 0),
    ],
)
def test_searches_are_counted(usage: dict[str, Any], searches: int) -> None:
    assert read({"prompt_tokens": 10, "completion_tokens": 2} | usage) == Tokens(10, 2, searches=searches)
