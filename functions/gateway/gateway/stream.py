"""An upstream's event stream on its way to the caller: whole events pass as they came; a few never do."""

from dataclasses import dataclass, field

from switchboard.deltas import DONE, InBandError, read_chunk
from switchboard.sse import Event, EventSplitter
from switchboard.transcript import Transcript

DONE_EVENT = b"data: [DONE]\n\n"


@dataclass(slots=True)
class Stream:
    """Folds a stream into a transcript and says which bytes of it the caller gets.

    Left out are: usage that the caller did not ask for (when it has a chunk of its own), events that are no JSON
    objects, and an error event with all that follows it.
    """

    transcript: Transcript
    wants_usage: bool
    notes: list[str]
    error: InBandError | None = None
    is_done: bool = False
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
        if rest:
            rest += b"\n\n"
        if self.is_complete and not self.is_done:
            self.notes.append("added the missing [DONE]")
            rest += DONE_EVENT
        return rest

    def _pass(self, event: Event) -> bytes:
        if self.is_over:
            return b""
        if event.data is None:
            return event.raw
        if event.data.strip() == DONE:
            self.is_done = True
            return event.raw
        return self._pass_chunk(event, event.data)

    def _pass_chunk(self, event: Event, data: bytes) -> bytes:
        try:
            delta = read_chunk(data)
        except ValueError:
            self.notes.append("skipped an event that is no JSON object")
            return b""
        self.transcript.add(delta)
        self.error = delta.error
        if delta.error is not None or (delta.is_usage_only and not self.wants_usage):
            return b""
        return event.raw
