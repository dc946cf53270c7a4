"""The texts that an answer spoke over several events of its stream."""

from dataclasses import dataclass, field

from gateway.domain.json_text import read_json_object, write_json
from switchboard.stream.deltas import DONE
from switchboard.stream.sse import Event, EventSplitter

MAX_DEPTH = 12
"""Levels of an event in which texts are joined with those of the next events; a chunk's own are within six."""

type Path = tuple[object, ...]
type Place = tuple[dict[str, object] | list[object], object]
"""A JSON object or array, and the name or the index in it."""
type Spoken = tuple[Path, Place, str]
type Value = dict[str, object]


@dataclass(slots=True)
class Text:
    """One text of an answer: its parts in order, as UTF-8, each with its event's number and its place there."""

    parts: list[bytes] = field(default_factory=list)
    places: list[tuple[int, Place]] = field(default_factory=list)


def events_of(stream: bytes) -> list[Event]:
    """The stream's events; none where not all of it can be written anew."""
    splitter = EventSplitter()
    events = splitter.feed(stream)
    last = splitter.finish()
    if splitter.left_out is not None:
        return []
    return events if last is None else [*events, last]


def value_of(data: bytes | None) -> Value:
    """The JSON object of an event's data; empty where it is none."""
    if data is None or data == DONE:
        return {}
    try:
        return read_json_object(data)
    except ValueError:
        return {}


def spoken_texts(values: list[Value]) -> dict[Path, Text]:
    """The texts that the events have at the same path, in order."""
    texts: dict[Path, Text] = {}
    for number, value in enumerate(values):
        for path, place, part in choice_strings(value):
            text = texts.setdefault(path, Text())
            text.parts.append(part.encode("utf-8", "replace"))
            text.places.append((number, place))
    return texts


def choice_strings(value: Value) -> list[Spoken]:
    """The strings of an event's choices: what it has beside them is no part of a longer text."""
    found: list[Spoken] = []
    choices = value.get("choices")
    if isinstance(choices, list):
        _add_strings(choices, (), found)
    return found


def rewritten(event: Event, value: Value) -> bytes:
    """The event with that value, and with its other lines."""
    lines = [line for line in event.raw.splitlines() if line and not line.startswith(b"data")]
    return b"\n".join([*lines, b"data: " + write_json(value)]) + b"\n\n"


def _add_strings(value: dict[str, object] | list[object], path: Path, found: list[Spoken]) -> None:
    # Not a generator: one in another, level by level, takes twice as long.
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in members:
        # A choice, a tool call or a part of a message has the same `index` in every chunk, whatever its position.
        step = inner.get("index", name) if isinstance(value, list) and isinstance(inner, dict) else name
        if isinstance(inner, str):
            found.append(((*path, step), (value, name), inner))
        elif isinstance(inner, dict | list) and len(path) < MAX_DEPTH:
            _add_strings(inner, (*path, step if isinstance(step, str | int) else name), found)
