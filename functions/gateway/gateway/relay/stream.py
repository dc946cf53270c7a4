"""Passes a provider's event stream on to the caller event by event, and leaves a few events out."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from gateway.domain.codec import AnswerEvent, Reader, TooMuch, WholeAnswer
from gateway.relay.conversion import TO_EVENTS, events_of
from gateway.relay.whole_body import MB
from switchboard.domain.limits import MAX_ANSWER_BYTES, MAX_ANSWER_VALUES, MAX_ERROR_BYTES, MAX_EVENT_BYTES
from switchboard.domain.notes import add_note, add_notes
from switchboard.stream.deltas import UNSPOKEN_REASONS, Delta
from switchboard.stream.provider_errors import InBandError, read_error
from switchboard.stream.sse import JSON_BEGINS, Event, EventSplitter, count_values
from switchboard.stream.transcript import Transcript

LEFT_OUT_EVENT = "left out an event that was too large to read"
LATE_ERROR = "the provider reported an error after its answer was complete"
DONE_EVENT = b"data: [DONE]\n\n"
_MARKUP = b"<"


class DocumentTooLarge(Exception):
    """A document that came in place of a stream is too large to be read; the text says what it has more of."""


@dataclass(slots=True)
class Stream:
    """Adds a stream to a transcript and returns the bytes that the caller gets.

    Left out are: usage that the caller did not ask for (when it has a chunk of its own), events that are no JSON
    objects, JSON outside of events, and an error event with all that follows it (one after a complete answer is noted).
    `progress` counts the chunks with content, usage or a finish reason, until the answer is finished; after that only
    the first usage and more content.
    `is_document`: the body was JSON, with no event before it; `read_document` reads it, and a completion is sent as
    events. `read_error` reads the data of an event that is named an error. `page`: the beginning of a web page.
    `choices`: how many were asked for. A caller that asked for usage gets the end marker only after it.
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
    read_document: Callable[[bytes], WholeAnswer] = lambda body: WholeAnswer(body, Delta())
    read_error: Callable[[bytes], InBandError] = read_error
    page: bytes = b""
    max_document_bytes: int = MAX_ANSWER_BYTES
    _document: bytearray = field(default_factory=bytearray)
    _document_values: int = 0
    _held_end: bytes = b""
    _has_events: bool = False
    _has_reasons: bool = False
    _is_ending: bool = False
    _has_usage: bool = False
    _has_ended: bool = False
    _splitter: EventSplitter = field(default_factory=EventSplitter)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is read: after the end marker, an error, or the end of the body."""
        return (self.is_done and not self._held_end) or self.error is not None or self._has_ended or bool(self.page)

    @property
    def is_complete(self) -> bool:
        """Whether the answer is complete, by its end marker or by a finish reason for every choice."""
        return self.error is None and (self.is_done or self._has_reasons)

    @property
    def is_finished(self) -> bool:
        """Whether only usage and the end marker may still follow.

        A finish reason in a chunk with content does not count: some providers put one into every chunk.
        """
        is_whole = (self.transcript.is_useful or self.is_unspoken) and len(self.transcript.choices) >= self.choices
        return self.error is None and self._is_ending and self._has_reasons and is_whole

    @property
    def is_unspoken(self) -> bool:
        """Whether the answer ended without words for a reason that is nobody's failure."""
        return not self.transcript.is_useful and self.transcript.finish_reason in UNSPOKEN_REASONS

    @property
    def _is_answered(self) -> bool:
        return self.is_finished and self.transcript.is_useful

    def feed(self, chunk: bytes) -> bytes:
        """The bytes for the caller of the events that this chunk completes. Raises DocumentTooLarge."""
        events = self._splitter.feed(chunk)
        if self._splitter.left_out is not None:
            self._note_left_out(self._splitter.left_out)
        return b"".join([self._pass(event) for event in events])

    def finish(self) -> bytes:
        """The last bytes for the caller at the end of the body: an event without its blank line, a missing [DONE]."""
        last = self._splitter.finish()
        if self._splitter.left_out is not None:
            self._note_left_out(self._splitter.left_out)
        rest = self._pass(last) if last is not None else b""
        if self._document and not (self._has_events or self.is_over):
            rest += self._convert()
        if rest and not rest.endswith(b"\n\n"):
            rest += b"\n\n"
        rest += self._release_end() or b"".join([self._pass_piece(piece) for piece in self.reader.finish()])
        if self.is_complete and not self.is_done:
            add_note(self.notes, "added the missing [DONE]")
            rest += DONE_EVENT
        self._has_ended = True
        return rest

    def _pass(self, event: Event) -> bytes:
        if self.is_done:
            return self._pass_late_usage(event)
        if event.is_error:
            return self._fail(self.read_error((event.data or b"")[:MAX_ERROR_BYTES]))
        if event.data is None and (self._document or event.raw.lstrip().startswith(JSON_BEGINS)):
            return self._take_document(event.raw)
        if event.data is None and not self._has_events and event.raw.lstrip().startswith(_MARKUP):
            self.page = event.raw
            return b""
        self._has_events = self._has_events or event.data is not None
        return self._read(event)

    def _read(self, event: Event) -> bytes:
        try:
            pieces = self.reader.read(event)
        except TooMuch as much:
            add_note(self.notes, str(much))
        except ValueError:
            add_note(self.notes, "skipped an event that is no JSON object")
        else:
            return b"".join([self._pass_piece(piece) for piece in pieces])
        return b""

    def _take_document(self, raw: bytes) -> bytes:
        """Collect JSON outside of events: a completion that came in place of a stream, or an error."""
        if self._has_events:
            return self._note_document(raw)
        self.is_document, is_first = True, not self._document
        self._document_values += count_values(raw)
        if len(self._document) + len(raw) > self.max_document_bytes:
            raise DocumentTooLarge(f"{self.max_document_bytes // MB} MB")
        if self._document_values > MAX_ANSWER_VALUES:
            raise DocumentTooLarge(f"{MAX_ANSWER_VALUES:,} values")
        self._document += raw
        return self._convert() if is_first else b""

    def _note_left_out(self, beginning: bytes) -> None:
        """An event was too long to be read. Before any event it may have been a document."""
        if not self._has_events and (self._document or beginning.lstrip().startswith(JSON_BEGINS)):
            raise DocumentTooLarge(f"{MAX_EVENT_BYTES // MB} MB")
        add_note(self.notes, LEFT_OUT_EVENT)
        self._splitter.left_out = None

    def _convert(self) -> bytes:
        """The events of the document; none where it is not complete, an error, or no completion."""
        whole = self.read_document(bytes(self._document))
        self.error = whole.delta.error
        self.transcript.add(whole.delta)
        if self.error is not None or not whole.delta.choices:
            return b""
        add_notes(self.notes, (TO_EVENTS, *whole.notes))
        self.is_done = self._has_reasons = True
        self.progress += 1
        return events_of(whole.raw, wants_usage=self.wants_usage)

    def _pass_late_usage(self, event: Event) -> bytes:
        """Usage after the end marker: into the transcript, and to a caller that waits for it."""
        if event.data is None or self.error is not None or self.transcript.usage is not None:
            return b""
        with suppress(ValueError):
            for piece in self.reader.read(event):
                if piece.delta is not None and piece.delta.usage is not None:
                    self.transcript.add(Delta(usage=piece.delta.usage))
                    if self._held_end:
                        return (piece.raw if piece.delta.is_usage_only else b"") + self._release_end()
        return b""

    def _release_end(self) -> bytes:
        """The end marker that was held back, after usage that the reader still holds; empty where none is held."""
        end, self._held_end = self._held_end, b""
        return b"".join(piece.raw for piece in self.reader.finish()) + end if end else b""

    def _note_document(self, raw: bytes) -> bytes:
        """JSON after events is not passed on, but its error and its usage go into the transcript."""
        with suppress(ValueError):
            for piece in self.reader.read(Event(raw, raw)):
                if piece.delta is not None and not self.is_over:
                    self.transcript.add(replace(piece.delta, choices=()))
                    if piece.delta.error is not None:
                        return self._fail(piece.delta.error)
        return b""

    def _pass_piece(self, piece: AnswerEvent) -> bytes:
        if self.is_done or self.error is not None or self._has_ended:
            return b""
        if piece.is_done:
            return self._end(piece)
        if piece.note:
            add_note(self.notes, piece.note)
        delta = piece.delta
        if delta is None:
            return piece.raw
        self.transcript.add(replace(delta, choices=()) if delta.error is not None and self._is_answered else delta)
        if delta.error is not None:
            return self._fail(delta.error)
        self._track(delta)
        return b"" if delta.is_usage_only and not self.wants_usage else piece.raw

    def _fail(self, error: InBandError) -> bytes:
        """Take the provider's error. After a complete answer it is the end marker: the caller has all of the words."""
        if not self._is_answered:
            self.error = self.error or error
            return b""
        add_note(self.notes, LATE_ERROR)
        rest = b"".join([self._pass_piece(piece) for piece in self.reader.finish()])
        self.is_done = True
        return rest + DONE_EVENT

    def _end(self, marker: AnswerEvent) -> bytes:
        """The end marker; held back from a caller that waits for usage, which a few providers send after it."""
        self.is_done = True
        self.progress += 1
        if self.wants_usage and self.transcript.usage is None and self.transcript.is_useful:
            self._held_end = marker.raw
            return b""
        return marker.raw

    def _track(self, delta: Delta) -> None:
        """Update `progress` and the state of the end from a chunk that is in the transcript already."""
        has_content = has_reason = False
        for choice in delta.choices:
            if choice.text or choice.reasoning or choice.refusal or choice.tool_calls or choice.audio or choice.images:
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
