"""Server-sent events, framed on bytes: any split of a stream gives the same events.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import re
from dataclasses import dataclass

from switchboard.domain.limits import MAX_EVENT_BYTES, MAX_EVENT_LINES, MAX_EVENT_VALUES

# Atomic groups: a CR LF pair must never be matched as two line ends.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LONGEST_BLANK_LINE = 4
_BEGINNING_BYTES = 16
_DATA = b"data: "
_END = b"\n\n"
JSON_BEGINS = (b"{", b"[")
_NAMED_ERROR = re.compile(rb"(?:\A|[\r\n])event: ?error[ \t]*(?:[\r\n]|\Z)")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `raw` as received, with the blank line, without the stream's byte order mark.

    `data`: its data lines joined by LF, None if it has none.
    """

    raw: bytes
    data: bytes | None

    @property
    def is_error(self) -> bool:
        """Whether the event's name says that it is an error."""
        return b"error" in self.raw and _NAMED_ERROR.search(self.raw) is not None


def count_values(text: bytes) -> int:
    """About how many values JSON text has: its commas and opening brackets, those inside strings included."""
    return text.count(b",") + text.count(b"{") + text.count(b"[")


class EventSplitter:
    """Cuts a byte stream into events. Nothing is decoded, so a character that is split over two chunks stays intact.

    An event that is too long (MAX_EVENT_BYTES, MAX_EVENT_LINES, MAX_EVENT_VALUES) is left out: `left_out` has the
    beginning of the last one.
    """

    __slots__ = ("_buffer", "_has_begun", "_is_skipping", "_searched", "left_out")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._has_begun = self._is_skipping = False
        self.left_out: bytes | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        if not (self._buffer or self._is_skipping) and (whole := _whole_events(chunk)):  # nearly every chunk
            self._has_begun = True
            return whole
        self._buffer += chunk
        events = []
        while self._buffer and (end := self._end_of_event()) is not None:
            if self._is_skipping or (end > MAX_EVENT_LINES and self._is_too_long(end)):
                self._is_skipping = False
            else:
                events.append(self._event(bytes(self._buffer[:end])))
            del self._buffer[:end]
            self._searched = 0
        if self._is_skipping or len(self._buffer) > MAX_EVENT_BYTES:
            self._skip()
        return events

    def finish(self) -> Event | None:
        """The rest when the stream has ended: an event without its blank line, or None."""
        is_left_out = self._is_skipping or self._is_too_long(len(self._buffer))
        rest = b"" if is_left_out else bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return self._event(rest) if rest.strip(b"\r\n") else None

    def _skip(self) -> None:
        """Drop what there is of an event without an end; its end may begin in the last bytes."""
        if not self._is_skipping:
            self.left_out = bytes(self._buffer[:_BEGINNING_BYTES])
        self._has_begun = self._is_skipping = True
        del self._buffer[:-_LONGEST_BLANK_LINE]
        self._searched = 0

    def _is_too_long(self, end: int) -> bool:
        """Whether the event is left out."""
        raw = bytes(self._buffer[:end])
        lines = raw.count(b"\n") + raw.count(b"\r")
        is_too_long = end > MAX_EVENT_BYTES or lines > MAX_EVENT_LINES
        if not is_too_long and not raw.lstrip().startswith(JSON_BEGINS):  # a document has a bound of its own
            is_too_long = count_values(raw) > MAX_EVENT_VALUES
        if is_too_long:
            self.left_out = bytes(self._buffer[:_BEGINNING_BYTES])
        return is_too_long

    def _event(self, raw: bytes) -> Event:
        if not self._has_begun:
            self._has_begun, raw = True, raw.removeprefix(BYTE_ORDER_MARK)
        values = [_value(line) for line in raw.splitlines() if line == b"data" or line.startswith(b"data:")]
        return Event(raw, b"\n".join(values) if values else None)

    def _end_of_event(self) -> int | None:
        """Where the first event in the buffer ends; None where it is not complete."""
        found = _BLANK_LINE.search(self._buffer, max(0, self._searched - _LONGEST_BLANK_LINE))
        if found is None:
            self._searched = len(self._buffer)
            return None
        # A CR at the very end may be the first half of a CR LF whose other half has not arrived.
        if found.end() == len(self._buffer) and self._buffer.endswith(b"\r"):
            return None
        return found.end()


def _whole_events(chunk: bytes) -> list[Event]:
    """The events of a chunk that has only whole short events of one line of data; none where it has anything else."""
    if not (chunk.startswith(_DATA) and chunk.endswith(_END)) or len(chunk) > MAX_EVENT_LINES or b"\r" in chunk:
        return []
    if chunk.find(b"\n") == len(chunk) - len(_END):
        return [Event(chunk, chunk[len(_DATA) : -len(_END)])]
    parts = chunk[: -len(_END)].split(_END)
    if chunk.count(b"\n") != len(_END) * len(parts) or not all(part.startswith(_DATA) for part in parts):
        return []
    return [Event(part + _END, part[len(_DATA) :]) for part in parts]


def _value(line: bytes) -> bytes:
    return line[5:].removeprefix(b" ")
