"""The reply of a twin's model, independent of the dialect in which it is sent."""

from dataclasses import dataclass
from enum import Enum


class Trouble(Enum):
    """What goes wrong with an answer."""

    REFUSED = "an error status in place of an answer"
    REPORTED_FIRST = "status 200, then an error before any text"
    REPORTED_LATER = "an error after the first pieces of text"
    CUT = "the connection ends after the first pieces of text"
    SILENT = "the preamble, then nothing until the caller disconnects"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool call; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The tokens of an answer: `cached` is part of `prompt`, `reasoning` is added to `spoken`."""

    prompt: int = 1200
    cached: int = 1000
    spoken: int = 30
    reasoning: int = 12


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `piece_bytes` splits its bytes into pieces of that length; `pause_s` is waited between pieces."""

    words: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    trouble: Trouble | None = None
    counts: Counts = Counts()
    piece_bytes: int | None = None
    pause_s: float = 0.0

    @property
    def text(self) -> str:
        """The text."""
        return "".join(self.words)

    @property
    def thought(self) -> str:
        """The reasoning."""
        return "".join(self.thoughts)


def text_reply(text: str, **others: object) -> Reply:
    """A reply of this text, one word in each piece."""
    words = text.split(" ")
    spaced = (*(word + " " for word in words[:-1]), words[-1])
    return Reply(words=spaced, **others)  # type: ignore[arg-type]
