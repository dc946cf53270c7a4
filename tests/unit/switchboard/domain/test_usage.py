import pytest

from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource, estimate, estimate_output


def test_the_prompt_is_every_class_but_the_output() -> None:
    tokens = Tokens(fresh_input=1, output=1000, cache_read=20, cache_write_5m=300, cache_write_1h=4000, reasoning=500)
    assert tokens.prompt == 4321


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (4001, 1001)])
def test_an_estimate_rounds_up(characters: int, tokens: int) -> None:
    usage = estimate(characters, characters)
    assert usage.source is UsageSource.ESTIMATED
    assert usage.tokens == Tokens(fresh_input=tokens, output=tokens)


def test_absent_usage_has_no_tokens() -> None:
    assert ABSENT.tokens is None


def test_an_estimated_output_leaves_the_counted_prompt_as_it_is() -> None:
    usage = estimate_output(Tokens(fresh_input=1, output=0, cache_read=20, cache_write_5m=300), 9)
    assert usage == Usage(UsageSource.ESTIMATED, Tokens(fresh_input=1, output=3, cache_read=20, cache_write_5m=300))
