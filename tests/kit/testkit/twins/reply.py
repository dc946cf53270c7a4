"""What a twin's model is to say, apart from how its dialect writes it down."""

from dataclasses import dataclass
from enum import Enum


class Trouble(Enum):
    """What goes wrong with an answer."""

    REFUSED = "an error status in place of an answer"
    REPORTED_FIRST = "status 200, then an error before anything is said"
    REPORTED_LATER = "an error after the first words"
    CUT = "the connection ends after the first words"
    SILENT = "the preamble, then nothing until the caller goes"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool call; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The tokens of an answer: `cached` lies within `prompt`, `reasoning` comes on top of `spoken`."""

    prompt: int = 1200
    cached: int = 1000
    spoken: int = 30
    reasoning: int = 12


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `piece_bytes` cuts its bytes into pieces of that length, `pause_s` waits between two of them."""

    words: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    trouble: Trouble | None = None
    counts: Counts = Counts()
    piece_bytes: int | None = None
    pause_s: float = 0.0

    @property
    def text(self) -> str:
        """What is spoken."""
        return "".join(self.words)

    @property
    def thought(self) -> str:
        """What is only thought."""
        return "".join(self.thoughts)


def says(text: str, **others: object) -> Reply:
    """A reply that speaks this text, a word at a time."""
    words = text.split(" ")
    spaced = (*(word + " " for word in words[:-1]), words[-1])
    return Reply(words=spaced, **others)  # type: ignore[arg-type]
