"""What a call used, in disjoint classes: no token is counted twice, except that `reasoning` is part of `output`."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

from switchboard.domain.limits import MAX_BILL_PICO_USD, MAX_SEARCHES, MAX_TIER_CHARACTERS, MAX_TOKENS

CHARACTERS_PER_TOKEN = 4
"""The rule of thumb in ElevenLabs' model documentation; used only if a provider reported no usage."""


class UsageSource(StrEnum):
    """Where the counts come from."""

    PROVIDER = "provider"
    ESTIMATED = "estimated"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts of one call. Text has no class of its own: it is what is in none of audio's and images' classes.

    `image_input`: of images and of frames of video. `searches`: web searches that the provider made and charges for.
    Where a provider does not tell audio and images apart, their tokens are among those of text.
    """

    fresh_input: int
    output: int
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_cache_read: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_cache_read: int = 0
    image_output: int = 0
    searches: int = 0

    @property
    def prompt(self) -> int:
        """Every token of the prompt, cached or not, of text, audio and images."""
        text = self.fresh_input + self.cache_read + self.cache_write_5m + self.cache_write_1h
        return text + self.audio_input + self.audio_cache_read + self.image_input + self.image_cache_read

    @property
    def completion(self) -> int:
        """Every token of the answer: text with its reasoning, audio and images."""
        return self.output + self.audio_output + self.image_output


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of a call and their source; `tokens` is None exactly when the source is ABSENT.

    `billed_pico_usd` is the cost that the provider reported, if it did; it then takes precedence over any rate card.
    `service_tier`, `region` and `speed`: as the answer, or its host, told them, in lower case; None where they were not
    told. `answer_model`: the model that the answer names, where that is another than the one that was called.
    """

    source: UsageSource
    tokens: Tokens | None = None
    billed_pico_usd: int | None = None
    service_tier: str | None = None
    region: str | None = None
    speed: str | None = None
    answer_model: str | None = None


ABSENT = Usage(UsageSource.ABSENT)


def believed(usage: Usage) -> Usage:
    """The usage without what cannot be: no tokens or searches where there are too many, no bill if it is too large."""
    tokens, bill = usage.tokens, usage.billed_pico_usd
    if tokens is None or tokens.prompt + tokens.completion > MAX_TOKENS:
        return ABSENT
    if tokens.searches > MAX_SEARCHES:
        return believed(replace(usage, tokens=replace(tokens, searches=0)))
    if bill is not None and not 0 <= bill <= MAX_BILL_PICO_USD:
        return replace(usage, billed_pico_usd=None)
    return usage


def told(value: object) -> str | None:
    """A tier, region or speed as it is kept; None for what is no text, or too long to be one."""
    if not isinstance(value, str) or len(value) > MAX_TIER_CHARACTERS:
        return None
    return value.strip().lower() or None


def estimate(prompt_characters: int, output_characters: int) -> Usage:
    """Usage estimated by length, for a call whose provider reported none, or whose caller left before it did."""
    return Usage(
        UsageSource.ESTIMATED,
        Tokens(
            fresh_input=ceil(prompt_characters / CHARACTERS_PER_TOKEN),
            output=ceil(output_characters / CHARACTERS_PER_TOKEN),
        ),
    )


def estimate_output(prompt: Tokens, output_characters: int) -> Usage:
    """Usage of a call that was cut off after its provider had reported the prompt: the output, estimated by length."""
    output = ceil(output_characters / CHARACTERS_PER_TOKEN)
    return Usage(UsageSource.ESTIMATED, replace(prompt, output=output, reasoning=0, audio_output=0, image_output=0))
