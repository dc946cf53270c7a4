"""What a provider's file is made of: the request it gets, the pieces of its answer that the caller gets. No I/O."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from switchboard.stream.deltas import Delta, Json
from switchboard.stream.sse import Event


@dataclass(slots=True)
class Draft:
    """A request body on its way to a provider's liking. `fields` is the whole body, model and messages included."""

    model: str
    fields: dict[str, object]
    notes: list[str] = field(default_factory=list)

    @property
    def messages(self) -> list[Json]:
        """The messages, in order."""
        found = self.fields.get("messages")
        return found if isinstance(found, list) else []

    def note(self, note: str) -> None:
        """Note for the trace what was changed."""
        if note not in self.notes:
            self.notes.append(note)

    def drop(self, name: str) -> None:
        """Leave a field out, and say so."""
        if name in self.fields:
            del self.fields[name]
            self.note(f"left out {name}")


type Repair = Callable[[Draft], None]
"""Changes a draft in place so that one provider accepts it, and says so."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes for the caller (none: it is kept from the caller), and what they say.

    `delta` is None for what says nothing: comments, the end marker. `note` tells the trace what was changed.
    """

    raw: bytes
    delta: Delta | None = None
    is_done: bool = False
    note: str = ""


class Reader(Protocol):
    """Reads one streamed answer. One reader an answer: it may remember what came before."""

    def read(self, event: Event) -> Iterable[Piece]:
        """What the caller gets of one event. Raises ValueError for data that makes no sense: it is skipped."""

    def finish(self) -> Iterable[Piece]:
        """What the caller still gets when the upstream has closed."""


class Memory(Protocol):
    """Remembers small things from one turn for the next, for a while; it may forget at any time."""

    def remember(self, name: str, value: str) -> None:
        """Keep a value."""

    def recall(self, name: str) -> str | None:
        """The value, if it is still there."""


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """A whole (not streamed) answer: the caller's bytes, what they say, and for the trace what was changed."""

    raw: bytes
    delta: Delta
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What the reader of an answer may know of its call.

    `model` is the one that was asked; `answer_id` (hexadecimal, one an answer) and `created_s` (Unix time) are for
    providers that give no ids and no time.
    """

    model: str
    answer_id: str
    created_s: int
    wants_usage: bool
    memory: Memory
