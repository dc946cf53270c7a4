"""A stream with few events instead of many, of which the same texts add up: a quick way to look at what was spoken."""

import re
from bisect import bisect_left
from dataclasses import dataclass

from gateway.domain.json_text import read_json
from gateway.recording.event_texts import choice_strings, value_of

_END = b"\n\n"
_DATA = b"data:"
_MAX_PAIRS = 24
"""Neighbours that are compared for a frame. Where every event has another id, there is none."""
_MAX_FRAMES = 6
"""Text, reasoning and the arguments of tools have one each."""
_CONSTANT = frozenset({"role", "type"})
"""Names of strings that are no part of a text, and that some providers repeat in every event."""
_REST_OF_STRING = re.compile(rb'[^"\\\r\n]*+(?:\\.[^"\\\r\n]*+)*+')
# OpenAI puts some random letters into every event. No card number and no key is so short.
_PADDING = re.compile(rb',"obfuscation":"[A-Za-z0-9]{0,12}"')


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is the same in events that differ in one part of a text: what stands before it, and after it."""

    before: bytes
    after: bytes

    def is_open_after(self, content: bytes) -> bool:
        """Whether the last event of the content begins with the frame, and its text has not ended."""
        last = content[content.rfind(_END) + len(_END) :] if _END in content else content
        return last.startswith(self.before) and _end_of_string(last[len(self.before) :]) + len(self.before) == len(last)


def joined_events(stream: bytes) -> bytes:
    """The stream, with neighbouring events joined that differ in one part of a text only.

    The texts of both add up to the same, byte for byte. Padding is left out.
    """
    if b'"obfuscation"' in stream:
        stream = _PADDING.sub(b"", stream)
    events, number, frames = stream.split(_END, _MAX_PAIRS), 0, 0
    while number + 2 < len(events) and frames < _MAX_FRAMES:
        frame = _frame_of(events[number], events[number + 1])
        number += 1
        if frame is not None:
            frames += 1
            stream = _joined(stream, frame)
            events = stream.split(_END, _MAX_PAIRS)
    return stream


def _joined(stream: bytes, frame: _Frame) -> bytes:
    seam = frame.after + _END + frame.before
    first, *others = stream.split(seam)
    result, is_open = [first], frame.is_open_after(first)
    if is_open and _is_plain(b"".join(others[:-1])):  # nearly every stream
        result, others = [*result, *others[:-1]], others[-1:]
    for part in others:
        end = len(part) if _is_plain(part) else _end_of_string(part)
        is_text = end == len(part)
        is_joined = is_open and (is_text or part.startswith(frame.after + _END, end))
        result += (part,) if is_joined else (seam, part)
        is_open = is_text or (_END in part and frame.is_open_after(part))
    return b"".join(result)


def _is_plain(part: bytes) -> bool:
    return b'"' not in part and b"\\" not in part and b"\n" not in part


def _end_of_string(part: bytes) -> int:
    found = _REST_OF_STRING.match(part)
    return 0 if found is None else found.end()


def _frame_of(first: bytes, second: bytes) -> _Frame | None:
    """The frame of two events that differ in the one text of their choices, and in nothing else."""
    if not first.startswith(_DATA) or b"\n" in first or b"\r" in first:
        return None
    start = first.rfind(b'"', 0, _common(first, second)) + 1
    ends = [found.end() for event in (first, second) if (found := _REST_OF_STRING.match(event, start)) is not None]
    parts = first[start : ends[0]], second[start : ends[1]]
    if parts[0] == parts[1] or first[ends[0] :] != second[ends[1] :]:
        return None
    if any(_text_of(event) != _decoded(part) for event, part in zip((first, second), parts, strict=True)):
        return None
    return _Frame(first[:start], first[ends[0] :])


def _common(first: bytes, second: bytes) -> int:
    """How many bytes they begin with alike."""
    most = min(len(first), len(second))
    return bisect_left(range(most), 1, key=lambda size: first[: size + 1] != second[: size + 1])


def _text_of(event: bytes) -> str | None:
    """The one text of the event's choices; None where there are none or several."""
    strings = choice_strings(value_of(event.removeprefix(_DATA).strip()))
    texts = [text for path, _, text in strings if path[-1] not in _CONSTANT]
    return texts[0] if len(texts) == 1 else None


def _decoded(part: bytes) -> object:
    try:
        return read_json(b'"' + part + b'"')
    except ValueError:
        return None
