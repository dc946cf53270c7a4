"""The types that providers convert between: the request draft, the events of an answer, a whole answer. No I/O."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from switchboard.domain.limits import clipped
from switchboard.domain.notes import add_note, note_names
from switchboard.stream.deltas import Delta, Json
from switchboard.stream.sse import Event


@dataclass(slots=True)
class Draft:
    """A request body that is being adapted to a provider. `fields` is the whole body, model and messages included.

    `url` is where it is sent. `instead` has the fields of the gateway's own making: by name, the fields that the caller
    sent in its place (none for a field that was added).
    """

    model: str
    fields: dict[str, object]
    notes: list[str] = field(default_factory=list)
    url: str = ""
    instead: dict[str, Json] = field(default_factory=dict)

    @property
    def messages(self) -> list[Json]:
        """The messages, in order."""
        found = self.fields.get("messages")
        return found if isinstance(found, list) else []

    def note(self, note: str) -> None:
        """Add a note for the trace, once."""
        add_note(self.notes, note)

    def drop(self, name: str) -> None:
        """Leave a field out, with a note."""
        if name in self.fields:
            del self.fields[name]
            self.note(f"left out {clipped(name)}")

    def drop_all(self, names: Sequence[str]) -> None:
        """Leave fields out that are there; of very many only the first are named in notes."""
        for name in names:
            del self.fields[name]
        note_names(self.notes, "left out {}", names, "left out {} more fields")

    def set(self, name: str, value: object, note: str = "") -> None:
        """Set a field that the caller did not set, or not so."""
        self.instead.setdefault(name, {name: self.fields[name]} if name in self.fields else {})
        self.fields[name] = value
        if note:
            self.note(note)

    def rename(self, old: str, new: str) -> None:
        """Send a field under another name, with a note; a value already under the new name is kept."""
        if old not in self.fields:
            return
        value = self.fields.pop(old)
        if new not in self.fields:
            self.fields[new] = value
            self.instead[new] = {old: value}
        self.note(f"sent {old} as {new}")

    def put_back(self, name: str) -> None:
        """Undo `set` or `rename` of a field."""
        if name in self.instead:
            self.fields.pop(name, None)
            self.fields |= self.instead.pop(name)

    def rewrite_messages(self, rewrite: Callable[[Json], Json], note: str) -> None:
        """Replace each message for which `rewrite` returns another object, with the note if there was one."""
        for position, message in enumerate(self.messages):
            rewritten = rewrite(message)
            if rewritten is not message:
                self.messages[position] = rewritten
                self.note(note)


type Repair = Callable[[Draft], None]
"""Changes a draft in place so that a provider accepts it, and notes what it changed."""


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """One event of a streamed answer: the bytes for the caller (empty: nothing is sent), and their meaning.

    `delta` is None for comments and the end marker. `note` is for the trace: what was changed.
    """

    raw: bytes
    delta: Delta | None = None
    is_done: bool = False
    note: str = ""


class TooMuch(ValueError):
    """An event adds more to its answer than is kept; the text is the note for the trace."""


class Reader(Protocol):
    """Reads one streamed answer. Stateful: each answer needs a reader of its own."""

    def read(self, event: Event) -> Iterable[AnswerEvent]:
        """What the caller gets for one event.

        Raises ValueError for data that cannot be read, TooMuch for data that is not: the event is left out.
        """

    def finish(self) -> Iterable[AnswerEvent]:
        """What the caller still gets after the upstream has closed."""


class Memory(Protocol):
    """Keeps reasoning state from one turn of a conversation to the next, for a while; any may be lost at any time.

    `name` is the state's kind and a tool call's id, `history` a fingerprint of the messages before that call.
    """

    def remember(self, name: str, value: str, history: str) -> None:
        """Keep a value."""

    def recall(self, name: str, history: str) -> str | None:
        """The value, if it is still kept."""


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """A whole (not streamed) answer: the caller's bytes, their meaning, and for the trace what was changed."""

    raw: bytes
    delta: Delta
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallersTerms:
    """The caller's own terms for what was sent in others. False where nothing differs.

    `names`: its names of tools by the names that were sent; `functions`: it knows the older function calls alone.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    functions: bool = False

    def __bool__(self) -> bool:
        return bool(self.names) or self.functions


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What the reader of an answer knows of its call.

    `model` is the one that was requested; `answer_id` (hexadecimal, one an answer) and `created_s` (Unix time) are for
    providers that send no ids and no time. `terms`: where the caller's terms differ from those that were sent.
    `messages` are the request's.
    """

    model: str
    answer_id: str
    created_s: int
    wants_usage: bool
    memory: Memory
    terms: CallersTerms = field(default_factory=CallersTerms)
    messages: tuple[Json, ...] = ()
