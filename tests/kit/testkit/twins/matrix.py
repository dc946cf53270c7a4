"""The matrix of the conformance tests: the providers, the behaviours, and the page `docs/conformance.md`.

`python -m testkit.twins.matrix > docs/conformance.md` writes the page anew.
"""

import sys
from enum import Enum

from testkit import recorded_counts
from testkit.twins.provider_twins import DIALECTS


class Behaviour(Enum):
    """What each provider's twin does, and what the caller must receive."""

    TEXT = "text", "Text arrives whole, in order and once; nothing is sent that the provider refuses."
    TOOL_CALL = "tool call", "Two parallel calls arrive with names, distinct ids and whole arguments."
    TOOL_ROUND_TRIP = "tool round trip", "Calls go back with their results as ElevenLabs sends them, and are accepted."
    USAGE = "usage", "Sent to a caller that asks, not to others; stored in disjoint classes either way."
    ERROR_BEFORE = (
        "error before the first token",
        "An error status, or 200 and then an error, becomes one OpenAI-shaped error with the provider's text.",
    )
    ERROR_IN_MID_STREAM = (
        "error in mid-stream",
        "Text before it arrives; then one error event, no `[DONE]`. The same if the connection breaks. Whole: a 502.",
    )
    EMPTY = "empty", "An answer without text or tool calls, reasoning alone included, is a failure."
    REASONING = "reasoning", "None of it is in the content; what the provider sends of it is in `reasoning_content`."
    UTF8_SPLIT = "UTF-8 split", "The answer is cut into single bytes, and arrives whole."
    SLOW = (
        "slow",
        "A preamble without text after it is a 504 at the deadline; pauses within an answer change nothing.",
    )

    def __init__(self, title: str, promise: str) -> None:
        self.title = title
        self.promise = promise


def page() -> str:
    """The page, as Markdown."""
    return (
        "\n".join([*_INTRODUCTION, *_cells(), "", *_promises(), "", *_twins(), "", *recorded_counts.section()]) + "\n"
    )


_INTRODUCTION = (
    "# Conformance",
    "",
    "Every provider has a scripted twin in `tests/kit/testkit/twins`: a server that answers in its documented",
    "dialect and refuses what it refuses, with its error bodies. Each cell below runs the whole gateway with a twin.",
    "This page is written by `python -m testkit.twins.matrix`; a test checks it against the cells that run.",
    "",
    "`s` is a tested streamed call, `w` a tested whole (not streamed) one. Where a behaviour is only possible",
    "streamed, its description below says what is tested for whole calls.",
    "",
)


def _cells() -> list[str]:
    return [
        "| upstream | " + " | ".join(behaviour.title for behaviour in Behaviour) + " |",
        "|---|" + "---|" * len(Behaviour),
        *(f"| {row.name} |" + " s w |" * len(Behaviour) for row in DIALECTS),
    ]


def _promises() -> list[str]:
    return ["## What a cell tests", "", *(f"- **{b.title}**: {b.promise}" for b in Behaviour)]


def _twins() -> list[str]:
    return [
        "## The twins' dialects",
        "",
        "| upstream | provider URL | calls arrive at | reasoning is in | a stream's usage is in |",
        "|---|---|---|---|---|",
        *(
            f"| {row.name} | `{row.base_url}` | `{row.path}` | {row.thinking.value} | {row.usage_place.value} |"
            for row in DIALECTS
        ),
    ]


if __name__ == "__main__":
    sys.stdout.write(page())
