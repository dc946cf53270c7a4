"""The bodies of a call as they are stored: without its secrets, also where an answer spoke one over several events."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.domain.json_text import read_json_object, write_json
from gateway.domain.secret import MASK, Scrubber, Span, masked
from switchboard.domain.trace import Bodies
from switchboard.stream.deltas import DONE
from switchboard.stream.sse import Event, EventSplitter

MAX_DEPTH = 12
"""Levels of an event in which texts are joined with those of the next events; a chunk's own are within six."""

type Path = tuple[object, ...]
type Place = tuple[dict[str, object] | list[object], object]
"""A JSON object or array, and the name or the index in it."""


def scrubbed_bodies(bodies: Bodies, scrubber: Scrubber) -> Bodies:
    """The bodies without secrets; of an event stream also each text that its events add up to."""
    request, response = bodies.request, bodies.response
    return Bodies(
        None if request is None else scrubber.content(request),
        None if response is None else scrubber.content(_scrubbed_events(response, scrubber)),
    )


@dataclass(slots=True)
class _Text:
    """One text of an answer: its parts in order, as UTF-8, each with its event's number and its place there."""

    parts: list[bytes] = field(default_factory=list)
    places: list[tuple[int, Place]] = field(default_factory=list)


def _scrubbed_events(stream: bytes, scrubber: Scrubber) -> bytes:
    """The stream; events in which a text goes on that holds a secret are written anew."""
    events = _events(stream)
    values = [_value(event) for event in events]
    changed: set[int] = set()
    for text in _texts(values).values():
        changed |= _scrub_parts(text, scrubber)
    if not changed:
        return stream
    raws = [
        _rewritten(event, values[number]) if number in changed else event.raw for number, event in enumerate(events)
    ]
    return b"".join(raws)


def _events(stream: bytes) -> list[Event]:
    splitter = EventSplitter()
    events = splitter.feed(stream)
    last = splitter.finish()
    if splitter.left_out is not None:
        return []  # not all of it can be written anew
    return events if last is None else [*events, last]


def _value(event: Event) -> dict[str, object]:
    if event.data is None or event.data == DONE:
        return {}
    try:
        return read_json_object(event.data)
    except ValueError:
        return {}


def _texts(values: list[dict[str, object]]) -> dict[Path, _Text]:
    """The texts that the events have at the same path, in order."""
    texts: dict[Path, _Text] = {}
    for number, value in enumerate(values):
        choices = value.get("choices")  # what an event has beside them is no part of a longer text
        for path, place, part in _strings(choices, ()) if isinstance(choices, list) else ():
            text = texts.setdefault(path, _Text())
            text.parts.append(part.encode("utf-8", "replace"))
            text.places.append((number, place))
    return texts


def _strings(value: dict[str, object] | list[object], path: Path) -> Iterator[tuple[Path, Place, str]]:
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in members:
        # A choice, a tool call or a part of a message has the same `index` in every chunk, whatever its position.
        step = inner.get("index", name) if isinstance(value, list) and isinstance(inner, dict) else name
        if isinstance(inner, str):
            yield (*path, step), (value, name), inner
        elif isinstance(inner, dict | list) and len(path) < MAX_DEPTH:
            yield from _strings(inner, (*path, step if isinstance(step, str | int) else name))


def _scrub_parts(text: _Text, scrubber: Scrubber) -> set[int]:
    """Take secrets that lie over several parts out of them; the numbers of the events that were changed."""
    if len(text.parts) == 1:
        return set()
    changed, at, pending = set[int](), 0, iter(scrubber.spans(b"".join(text.parts)))
    span = next(pending, None)
    for part, (number, (container, name)) in zip(text.parts, text.places, strict=True):
        end, within, is_open = at + len(part), list[Span](), span is not None and span[0] < at
        while span is not None and span[0] < end:
            within.append((max(span[0], at) - at, min(span[1], end) - at))
            if span[1] > end:
                break
            span = next(pending, None)
        if within:
            kept = masked(part, within)
            kept = kept.removeprefix(MASK) if is_open else kept  # one mask for a secret, where it begins
            container[name] = kept.decode("utf-8", "replace")  # type: ignore[index,call-overload]
            changed.add(number)
        at = end
    return changed


def _rewritten(event: Event, value: dict[str, object]) -> bytes:
    lines = [line for line in event.raw.splitlines() if line and not line.startswith(b"data")]
    return b"\n".join([*lines, b"data: " + write_json(value)]) + b"\n\n"
