"""The matrix of the conformance kit: who is tried, with what, and its table for `docs/conformance.md`.

`python -m testkit.twins.matrix > docs/conformance.md` writes the page anew.
"""

import sys
from enum import Enum

from testkit.twins.house import DIALECTS


class Behaviour(Enum):
    """What each provider's twin does, and what the caller must get."""

    TEXT = "text", "Text arrives whole, in order and once; nothing is sent that the provider refuses."
    TOOL_CALL = "tool call", "Two parallel calls arrive with names, distinct ids and whole arguments."
    TOOL_ROUND_TRIP = "tool round trip", "Calls go back with their results as ElevenLabs sends them, and are accepted."
    USAGE = "usage", "Told to a caller that asks, hidden from others, kept in disjoint classes either way."
    ERROR_BEFORE = (
        "error before the first token",
        "An error status, or 200 and then an error, becomes one OpenAI-shaped error that says what the provider said.",
    )
    ERROR_IN_MID_STREAM = (
        "error in mid-stream",
        "What was said stays; then one error event, no `[DONE]`. So too when the connection breaks. Whole: a 502.",
    )
    EMPTY = "empty", "Nothing to speak or act on, reasoning alone included, is a failure."
    REASONING = "reasoning", "Nothing of it is spoken; what the provider shows of it is in `reasoning_content`."
    UTF8_SPLIT = "UTF-8 split", "The answer is cut into single bytes, and arrives whole."
    SLOW = (
        "slow",
        "A preamble with no word after it is a 504 at the deadline; pauses within an answer change nothing.",
    )

    def __init__(self, title: str, promise: str) -> None:
        self.title = title
        self.promise = promise


def page() -> str:
    """The page, as Markdown."""
    return "\n".join([*_INTRODUCTION, *_cells(), "", *_promises(), "", *_twins()]) + "\n"


_INTRODUCTION = (
    "# Conformance",
    "",
    "Every provider has a scripted twin in `tests/kit/testkit/twins`: a server that speaks its documented dialect",
    "and refuses what it refuses, with its error bodies. Each cell below runs the whole gateway before that twin.",
    "This page is written by `python -m testkit.twins.matrix`; a test holds it to the cells that run.",
    "",
    "`s` is a streamed call that is tested, `w` a whole one. There is no cell that cannot exist; where one half of a",
    "behaviour is only possible streamed, its promise below says what stands in its place.",
    "",
)


def _cells() -> list[str]:
    return [
        "| upstream | " + " | ".join(behaviour.title for behaviour in Behaviour) + " |",
        "|---|" + "---|" * len(Behaviour),
        *(f"| {row.name} |" + " s w |" * len(Behaviour) for row in DIALECTS),
    ]


def _promises() -> list[str]:
    return ["## What a cell asks for", "", *(f"- **{b.title}**: {b.promise}" for b in Behaviour)]


def _twins() -> list[str]:
    return [
        "## How the twins speak",
        "",
        "| upstream | pasted URL | calls arrive at | reasoning stands in | a stream tells its usage in |",
        "|---|---|---|---|---|",
        *(
            f"| {row.name} | `{row.base_url}` | `{row.path}` | {row.thinking.value} | {row.usage_place.value} |"
            for row in DIALECTS
        ),
    ]


if __name__ == "__main__":
    sys.stdout.write(page())
