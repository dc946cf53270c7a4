"""An upstream's event stream on its way to the caller: whole events pass as they came; a few never do."""

from dataclasses import dataclass, field

from gateway.providers.codec import Piece, Reader
from switchboard.deltas import InBandError
from switchboard.sse import Event, EventSplitter
from switchboard.transcript import Transcript

DONE_EVENT = b"data: [DONE]\n\n"


@dataclass(slots=True)
class Stream:
    """Folds a stream into a transcript and says which bytes of it the caller gets.

    Left out are: usage that the caller did not ask for (when it has a chunk of its own), events that are no JSON
    objects, and an error event with all that follows it. `deltas` counts the chunks that said anything.
    """

    reader: Reader
    transcript: Transcript
    wants_usage: bool
    notes: list[str]
    error: InBandError | None = None
    is_done: bool = False
    deltas: int = 0
    _splitter: EventSplitter = field(default_factory=EventSplitter)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come: the end marker was there, or an error."""
        return self.is_done or self.error is not None

    @property
    def is_complete(self) -> bool:
        """Whether the answer had its end, by its marker or by a finish reason."""
        return self.error is None and (self.is_done or self.transcript.finish_reason is not None)

    def feed(self, chunk: bytes) -> bytes:
        """The bytes for the caller that this chunk completes. Raises EventTooLong."""
        return b"".join([self._pass(event) for event in self._splitter.feed(chunk)])

    def finish(self) -> bytes:
        """The caller's last bytes when the upstream has closed: an unended event, a missing end marker."""
        last = self._splitter.finish()
        rest = self._pass(last) if last is not None else b""
        if rest and not rest.endswith(b"\n\n"):
            rest += b"\n\n"
        rest += b"".join([self._pass_piece(piece) for piece in self.reader.finish()])
        if self.is_complete and not self.is_done:
            self.notes.append("added the missing [DONE]")
            self.is_done = True
            rest += DONE_EVENT
        return rest

    def _pass(self, event: Event) -> bytes:
        try:
            pieces = self.reader.read(event)
        except ValueError:
            self.notes.append("skipped an event that is no JSON object")
            return b""
        return b"".join([self._pass_piece(piece) for piece in pieces])

    def _pass_piece(self, piece: Piece) -> bytes:
        if self.is_over:
            return b""
        self.is_done = piece.is_done
        if piece.note and piece.note not in self.notes:
            self.notes.append(piece.note)
        delta = piece.delta
        if delta is None:
            return piece.raw
        self.deltas += 1
        self.transcript.add(delta)
        self.error = delta.error
        if delta.error is not None or (delta.is_usage_only and not self.wants_usage):
            return b""
        return piece.raw
