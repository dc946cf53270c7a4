"""Passes a provider's event stream on to the caller event by event, and leaves a few events out."""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from gateway.domain.codec import AnswerEvent, Reader
from switchboard.stream.deltas import Delta, InBandError
from switchboard.stream.sse import Event, EventSplitter
from switchboard.stream.transcript import Transcript

DONE_EVENT = b"data: [DONE]\n\n"
_JSON = (b"{", b"[")


@dataclass(slots=True)
class Stream:
    """Adds a stream to a transcript and returns the bytes that the caller gets.

    Left out are: usage that the caller did not ask for (when it has a chunk of its own), events that are no JSON
    objects, JSON outside of events, and an error event with all that follows it. `progress` counts the chunks with
    content, usage or a finish reason, until the answer is finished; after that only the first usage and more content.
    `is_document`: the body was JSON, with no event before it. `choices`: how many were asked for.
    """

    reader: Reader
    transcript: Transcript
    wants_usage: bool
    notes: list[str]
    choices: int = 1
    error: InBandError | None = None
    is_done: bool = False
    progress: int = 0
    is_document: bool = False
    _has_events: bool = False
    _has_reasons: bool = False
    _is_ending: bool = False
    _has_usage: bool = False
    _has_ended: bool = False
    _splitter: EventSplitter = field(default_factory=EventSplitter)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is read: after the end marker, an error, or the end of the body."""
        return self.is_done or self.error is not None or self._has_ended

    @property
    def is_complete(self) -> bool:
        """Whether the answer is complete, by its end marker or by a finish reason for every choice."""
        return self.error is None and (self.is_done or self._has_reasons)

    @property
    def is_finished(self) -> bool:
        """Whether only usage and the end marker may still follow.

        A finish reason in a chunk with content does not count: some providers put one into every chunk.
        """
        has_content = self.transcript.is_useful and len(self.transcript.choices) >= self.choices
        return self.error is None and self._is_ending and self._has_reasons and has_content

    def feed(self, chunk: bytes) -> bytes:
        """The bytes for the caller of the events that this chunk completes. Raises EventTooLong."""
        return b"".join([self._pass(event) for event in self._splitter.feed(chunk)])

    def finish(self) -> bytes:
        """The last bytes for the caller at the end of the body: an event without its blank line, a missing [DONE]."""
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
        """JSON outside of events is not passed on, but its error and its usage go into the transcript."""
        self.is_document = not self._has_events
        with suppress(ValueError):
            for piece in self.reader.read(Event(raw, raw)):
                if piece.delta is not None and not self.is_over:
                    self.error = piece.delta.error
                    self.transcript.add(replace(piece.delta, choices=()))

    def _pass_piece(self, piece: AnswerEvent) -> bytes:
        if self.is_over:
            return b""
        self.is_done = piece.is_done
        if piece.note and piece.note not in self.notes:
            self.notes.append(piece.note)
        delta = piece.delta
        if delta is None:
            return piece.raw
        self.transcript.add(delta)
        self._track(delta)
        self.error = delta.error
        if delta.error is not None or (delta.is_usage_only and not self.wants_usage):
            return b""
        return piece.raw

    def _track(self, delta: Delta) -> None:
        """Update `progress` and the state of the end from a chunk that is in the transcript already."""
        has_content = has_reason = False
        for choice in delta.choices:
            if choice.text or choice.reasoning or choice.refusal or choice.tool_calls:
                has_content = True
            if choice.finish_reason:
                has_reason = True
        if has_content:
            self.progress += 1
            self._is_ending = False
        elif has_reason or delta.usage is not None:
            is_first_usage = delta.usage is not None and not self._has_usage
            self._has_usage = self._has_usage or is_first_usage
            self.progress += is_first_usage or not self.is_finished
            self._is_ending = True
        if has_reason or self._has_reasons:  # otherwise nothing can have changed
            self._has_reasons = all(choice.finish_reason for choice in self.transcript.choices.values())
