"""The bodies of a call as they are stored: without its secrets, and without what is redacted.

Also where an answer spoke it over several events.
"""

from collections import Counter

from gateway.domain.json_text import read_json
from gateway.domain.masks import Finder, Mark, masked
from gateway.domain.redaction import Redactor
from gateway.domain.secret import Scrubber
from gateway.recording.event_texts import Text, events_of, rewritten, spoken_texts, value_of
from gateway.recording.joined_events import joined_events
from gateway.recording.json_places import as_member, in_json
from switchboard.domain.trace import Bodies
from switchboard.stream.deltas import DONE
from switchboard.stream.sse import JSON_BEGINS

_NOTHING = Redactor()
_DATA = b"data:"


def scrubbed_bodies(
    bodies: Bodies, scrubber: Scrubber, redactor: Redactor = _NOTHING, counts: Counter[str] | None = None
) -> Bodies:
    """The bodies without secrets, and without what the redactor finds, which is added to the counts.

    JSON stays JSON, and an event stream an event stream; of that also each text that its events add up to is changed.
    """
    counts = Counter() if counts is None else counts
    request, response = bodies.request, bodies.response
    return Bodies(
        None if request is None else _redacted(scrubber.content(request), redactor, counts),
        None if response is None else _kept_response(response, scrubber, redactor, counts),
    )


def _kept_response(response: bytes, scrubber: Scrubber, redactor: Redactor, counts: Counter[str]) -> bytes:
    if response.lstrip().startswith(JSON_BEGINS):
        return _redacted(scrubber.content(response), redactor, counts)
    joined, texts = _joined_texts(response)
    has_secret = _is_found(scrubber, joined, texts)
    if has_secret:
        response = scrubber.content(_without_spoken(response, scrubber, Counter()))
    elif scrubber.marks(response):
        response = scrubber.content(response)
    if not _is_found(redactor, joined, texts):
        return response
    response = _without_spoken(response, redactor, counts)
    return b"".join(_redacted_line(line, redactor, counts) for line in response.splitlines(keepends=True))


def _joined_texts(stream: bytes) -> tuple[bytes, list[bytes]]:
    """The stream with few events, and the texts that lie over several of these."""
    joined = joined_events(stream)
    values = [value_of(event.data) for event in events_of(joined) if event.data != DONE]
    if not all(values):  # an event that is not JSON is no part of a text, but could be joined with others
        joined, values = stream, [value_of(event.data) for event in events_of(stream)]
    texts = spoken_texts(values).values()
    return joined, [b"".join(text.parts) for text in texts]


def _is_found(finder: Finder, joined: bytes, texts: list[bytes]) -> bool:
    return any(finder.marks(content) for content in (joined, *texts))


def _redacted(content: bytes, redactor: Redactor, counts: Counter[str]) -> bytes:
    """The content; what is found in JSON is replaced so that it stays JSON."""
    if not (marks := redactor.marks(content)):
        return content
    if _is_json(content):
        marks = in_json(content, marks)
    counts.update(mark.name for mark in marks)
    return masked(content, marks)


def _redacted_line(line: bytes, redactor: Redactor, counts: Counter[str]) -> bytes:
    if not line.startswith(_DATA):
        return _redacted(line, redactor, counts)
    return _DATA + _redacted(line.removeprefix(_DATA), redactor, counts)


def _is_json(content: bytes) -> bool:
    try:
        read_json(content)
    except ValueError:
        return False
    return True


def _without_spoken(stream: bytes, finder: Finder, counts: Counter[str]) -> bytes:
    """The stream; events in which a text goes on that holds something that is found are written anew."""
    events = events_of(stream)
    values = [value_of(event.data) for event in events]
    changed: set[int] = set()
    for text in spoken_texts(values).values():
        if len(text.parts) > 1:
            whole = b"".join(text.parts)
            marks = [as_member(whole, mark) if mark.name else mark for mark in finder.marks(whole)]
            counts.update(mark.name for mark in marks)
            changed |= _replace_parts(text, marks)
    if not changed:
        return stream
    raws = [rewritten(event, values[number]) if number in changed else event.raw for number, event in enumerate(events)]
    return b"".join(raws)


def _replace_parts(text: Text, marks: list[Mark]) -> set[int]:
    """Take what is marked out of the parts, with a mask where it begins; the numbers of the changed events."""
    changed, at, pending = set[int](), 0, iter(marks)
    mark = next(pending, None)
    for part, (number, (container, name)) in zip(text.parts, text.places, strict=True):
        end, within = at + len(part), list[Mark]()
        while mark is not None and mark.start < end:
            mask = mark.mask if mark.start >= at else b""  # one mask, where it begins
            within.append(Mark(max(mark.start, at) - at, min(mark.end, end) - at, mask))
            if mark.end > end:
                break
            mark = next(pending, None)
        if within:
            container[name] = masked(part, within).decode("utf-8", "replace")  # type: ignore[index,call-overload]
            changed.add(number)
        at = end
    return changed
