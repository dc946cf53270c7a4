"""Server-sent events, framed on bytes: any split of a stream gives the same events.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import re
from dataclasses import dataclass

from switchboard.domain.limits import MAX_EVENT_BYTES

# Atomic groups: a CR LF pair must never be matched as two line ends.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LONGEST_BLANK_LINE = 4
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLong(Exception):
    """A stream sent MAX_EVENT_BYTES without ending its event."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `raw` as received, with the blank line, without the stream's byte order mark.

    `data`: its data lines joined by LF, None if it has none.
    """

    raw: bytes
    data: bytes | None


class EventSplitter:
    """Cuts a byte stream into events. Nothing is decoded, so a character that is split over two chunks stays intact."""

    __slots__ = ("_buffer", "_has_begun", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._has_begun = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes. Raises EventTooLong."""
        self._buffer += chunk
        events = []
        while (end := self._end_of_event()) is not None:
            events.append(self._event(bytes(self._buffer[:end])))
            del self._buffer[:end]
            self._searched = 0
        if len(self._buffer) > MAX_EVENT_BYTES:
            raise EventTooLong
        return events

    def finish(self) -> Event | None:
        """The rest when the stream has ended: an event without its blank line, or None."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return self._event(rest) if rest.strip(b"\r\n") else None

    def _event(self, raw: bytes) -> Event:
        if not self._has_begun:
            self._has_begun, raw = True, raw.removeprefix(BYTE_ORDER_MARK)
        values = [_value(line) for line in raw.splitlines() if line == b"data" or line.startswith(b"data:")]
        return Event(raw, b"\n".join(values) if values else None)

    def _end_of_event(self) -> int | None:
        found = _BLANK_LINE.search(self._buffer, max(0, self._searched - _LONGEST_BLANK_LINE))
        if found is None:
            self._searched = len(self._buffer)
            return None
        # A CR at the very end may be the first half of a CR LF whose other half has not arrived.
        if found.end() == len(self._buffer) and self._buffer.endswith(b"\r"):
            return None
        return found.end()


def _value(line: bytes) -> bytes:
    return line[5:].removeprefix(b" ")
