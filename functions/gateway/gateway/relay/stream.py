"""An upstream's event stream on its way to the caller: whole events pass as they came; a few never do."""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from gateway.domain.codec import Piece, Reader
from switchboard.stream.deltas import Delta, InBandError
from switchboard.stream.sse import Event, EventSplitter
from switchboard.stream.transcript import Transcript

DONE_EVENT = b"data: [DONE]\n\n"
_JSON = (b"{", b"[")


@dataclass(slots=True)
class Stream:
    """Folds a stream into a transcript and says which bytes of it the caller gets.

    Left out are: usage that the caller did not ask for (when it has a chunk of its own), events that are no JSON
    objects, JSON outside of events, and an error event with all that follows it. `said` counts the chunks that said
    anything; what follows an answer's end without being a word of it does not count. `is_document`: there was JSON, and
    no event before it. `choices`: how many were asked for.
    """

    reader: Reader
    transcript: Transcript
    wants_usage: bool
    notes: list[str]
    choices: int = 1
    error: InBandError | None = None
    is_done: bool = False
    said: int = 0
    is_document: bool = False
    _has_events: bool = False
    _has_reasons: bool = False
    _is_ending: bool = False
    _has_usage: bool = False
    _has_ended: bool = False
    _splitter: EventSplitter = field(default_factory=EventSplitter)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come: the end marker was there, an error, or the upstream's own end."""
        return self.is_done or self.error is not None or self._has_ended

    @property
    def is_complete(self) -> bool:
        """Whether the answer had its end, by its marker or by the finish reason of every choice."""
        return self.error is None and (self.is_done or self._has_reasons)

    @property
    def is_finished(self) -> bool:
        """Whether all that may still come is usage and the end marker.

        A finish reason that comes with words does not say so: there are providers that put one into every chunk.
        """
        is_said = self.transcript.is_useful and len(self.transcript.choices) >= self.choices
        return self.error is None and self._is_ending and self._has_reasons and is_said

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
            rest += DONE_EVENT
        self._has_ended = True
        return rest

    def _pass(self, event: Event) -> bytes:
        if event.data is not None:
            self._has_events = True
        elif event.raw.lstrip().startswith(_JSON):
            self._note_document(event.raw)
            return b""
        try:
            pieces = self.reader.read(event)
        except ValueError:
            self.notes.append("skipped an event that is no JSON object")
            return b""
        return b"".join([self._pass_piece(piece) for piece in pieces])

    def _note_document(self, raw: bytes) -> None:
        """JSON that stands outside of any event is for no caller, but it may say what went wrong and what was used."""
        self.is_document = not self._has_events
        with suppress(ValueError):
            for piece in self.reader.read(Event(raw, raw)):
                if piece.delta is not None and not self.is_over:
                    self.error = piece.delta.error
                    self.transcript.add(replace(piece.delta, choices=()))

    def _pass_piece(self, piece: Piece) -> bytes:
        if self.is_over:
            return b""
        self.is_done = piece.is_done
        if piece.note and piece.note not in self.notes:
            self.notes.append(piece.note)
        delta = piece.delta
        if delta is None:
            return piece.raw
        self.transcript.add(delta)
        self._weigh(delta)
        self.error = delta.error
        if delta.error is not None or (delta.is_usage_only and not self.wants_usage):
            return b""
        return piece.raw

    def _weigh(self, delta: Delta) -> None:
        """Note whether the chunk, now folded, said anything: words, or news of the end."""
        has_words = has_reason = False
        for choice in delta.choices:
            if choice.text or choice.reasoning or choice.refusal or choice.tool_calls:
                has_words = True
            if choice.finish_reason:
                has_reason = True
        if has_words:
            self.said += 1
            self._is_ending = False
        elif has_reason or delta.usage is not None:
            is_first_usage = delta.usage is not None and not self._has_usage
            self._has_usage = self._has_usage or is_first_usage
            self.said += is_first_usage or not self.is_finished
            self._is_ending = True
        if has_reason or self._has_reasons:  # else nothing can have changed
            self._has_reasons = all(choice.finish_reason for choice in self.transcript.choices.values())
