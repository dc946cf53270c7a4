from dataclasses import replace

import pytest

from switchboard.domain.limits import MAX_SEARCHES, MAX_TOKENS
from switchboard.domain.usage import (
    ABSENT,
    Tokens,
    Usage,
    UsageSource,
    believed,
    estimate,
    estimate_output,
    told,
)


def test_the_prompt_is_every_class_but_the_output() -> None:
    tokens = Tokens(fresh_input=1, output=1000, cache_read=20, cache_write_5m=300, cache_write_1h=4000, reasoning=500)
    assert tokens.prompt == 4321


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (4001, 1001)])
def test_an_estimate_rounds_up(characters: int, tokens: int) -> None:
    usage = estimate(characters, characters)
    assert usage.source is UsageSource.ESTIMATED
    assert usage.tokens == Tokens(fresh_input=tokens, output=tokens)


def test_audio_and_images_are_part_of_prompt_and_completion_and_searches_are_not() -> None:
    tokens = Tokens(
        fresh_input=1, output=2, audio_input=10, audio_cache_read=20, audio_output=30, image_input=100, image_output=200
    )
    tokens = replace(tokens, image_cache_read=300, searches=9000)
    assert (tokens.prompt, tokens.completion) == (431, 232)


def test_what_cannot_be_is_not_believed() -> None:
    usage = Usage(UsageSource.PROVIDER, Tokens(1, 2, audio_output=3, searches=MAX_SEARCHES))
    assert believed(usage) == usage
    searching = Usage(UsageSource.PROVIDER, Tokens(1, 2, searches=MAX_SEARCHES + 1), 7)
    assert believed(searching) == Usage(UsageSource.PROVIDER, Tokens(1, 2), 7)
    assert believed(Usage(UsageSource.PROVIDER, Tokens(1, 2, audio_output=MAX_TOKENS))) == ABSENT


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Priority", "priority"),
        (" EU ", "eu"),
        ("", None),
        (None, None),
        (7, None),
        (["flex"], None),
        ("x" * 33, None),
    ],
)
def test_a_told_tier_is_kept_in_lower_case_and_bounded(value: object, kept: str | None) -> None:
    assert told(value) == kept


def test_absent_usage_has_no_tokens() -> None:
    assert ABSENT.tokens is None


def test_an_estimated_output_leaves_the_counted_prompt_as_it_is() -> None:
    usage = estimate_output(Tokens(fresh_input=1, output=0, cache_read=20, cache_write_5m=300), 9)
    assert usage == Usage(UsageSource.ESTIMATED, Tokens(fresh_input=1, output=3, cache_read=20, cache_write_5m=300))
