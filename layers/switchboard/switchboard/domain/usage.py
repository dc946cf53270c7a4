"""Token usage in disjoint classes: no token is counted twice, except that `reasoning` is part of `output`."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

from switchboard.domain.limits import MAX_BILL_PICO_USD, MAX_TOKENS

CHARACTERS_PER_TOKEN = 4
"""The rule of thumb in ElevenLabs' model documentation; used only if a provider reported no usage."""


class UsageSource(StrEnum):
    """Where the counts come from."""

    PROVIDER = "provider"
    ESTIMATED = "estimated"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts of one call. The prompt is fresh_input + cache_read + both cache writes."""

    fresh_input: int
    output: int
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0

    @property
    def prompt(self) -> int:
        """Every token of the prompt, cached or not."""
        return self.fresh_input + self.cache_read + self.cache_write_5m + self.cache_write_1h


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of a call and their source; `tokens` is None exactly when the source is ABSENT.

    `billed_pico_usd` is the cost that the provider reported, if it did; it then takes precedence over any rate card.
    """

    source: UsageSource
    tokens: Tokens | None = None
    billed_pico_usd: int | None = None


ABSENT = Usage(UsageSource.ABSENT)


def believed(usage: Usage) -> Usage:
    """The usage without what cannot be: no tokens where there are too many, no bill where it is too large."""
    tokens, bill = usage.tokens, usage.billed_pico_usd
    if tokens is None or tokens.prompt + tokens.output > MAX_TOKENS:
        return ABSENT
    if bill is not None and not 0 <= bill <= MAX_BILL_PICO_USD:
        return replace(usage, billed_pico_usd=None)
    return usage


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
    return Usage(
        UsageSource.ESTIMATED, replace(prompt, output=ceil(output_characters / CHARACTERS_PER_TOKEN), reasoning=0)
    )
