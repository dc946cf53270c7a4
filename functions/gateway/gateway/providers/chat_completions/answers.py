"""Answers in the Chat Completions dialect: passed on byte for byte, rewritten only where strict clients would break."""

import json
from collections.abc import Iterable

from pydantic_core import from_json, to_json

from gateway.domain.codec import AnswerContext, Piece, WholeAnswer
from gateway.providers.chat_completions.choices import AnswerQuirks, ChoiceRepair, Fields
from gateway.providers.chat_completions.envelope import CHUNK, COMPLETION, Envelope
from switchboard.stream.deltas import DONE, Delta, Json, read_chunk_object, read_completion_object
from switchboard.stream.sse import Event


class OpenAiReader:
    """Reads one streamed answer: completes its chunks, moves reasoning out of the content, tells usage once."""

    def __init__(self, asked: AnswerContext, quirks: AnswerQuirks) -> None:
        self._asked = asked
        self._quirks = quirks
        self._envelope = Envelope(asked, CHUNK)
        self._choices: dict[int, ChoiceRepair] = {}
        self._untold_usage: Json | None = None
        self._has_told_usage = False

    def read(self, event: Event) -> Iterable[Piece]:
        """The event itself, or what it should have been. Raises ValueError when its data is no JSON object."""
        if event.data is None:
            return (Piece(event.raw),)
        if event.data.strip() == DONE:
            return (*self._rest("stop"), Piece(event.raw, is_done=True))
        chunk = _object(event.data)
        if "error" in chunk or "errors" in chunk:
            delta = read_chunk_object(chunk)
            if delta.error is not None:
                return (Piece(b"", delta),)
        return (self._read(event.raw, chunk),)

    def finish(self) -> Iterable[Piece]:
        """What was held back, and usage that was not told."""
        return self._rest(None)

    def _read(self, raw: bytes, chunk: Fields) -> Piece:
        found = chunk.get("choices")
        choices = found if isinstance(found, list) else []
        if not choices:
            return self._without_choices(raw, chunk)
        changed, note = self._envelope.fill(chunk), ""
        for place, choice in enumerate(choices):
            if not isinstance(choice, dict):
                raise ValueError("a choice that is no object")  # noqa: TRY004
            repair, was_changed = self._repair_of(choice, place)
            if repair.repair(choice) or was_changed:
                changed = True
                note, repair.note = note or repair.note, ""
        delta = read_chunk_object(chunk)
        if delta.usage is not None and self._asked.wants_usage:
            changed |= self._hold_usage(chunk, delta)
        if not changed:
            return Piece(raw, delta)
        # A chunk whose text is held back has nothing left to say.
        is_empty = delta.usage is None and not any(map(_says, choices))
        return Piece(b"" if is_empty else _event(chunk), delta, note=note)

    def _repair_of(self, choice: Fields, place: int) -> tuple[ChoiceRepair, bool]:
        index = choice.get("index")
        was_changed = type(index) is not int
        if type(index) is not int:
            index = choice["index"] = place
        repair = self._choices.get(index)
        if repair is None:
            repair = self._choices[index] = ChoiceRepair(self._asked, self._quirks, "delta")
        return repair, was_changed

    def _without_choices(self, raw: bytes, chunk: Fields) -> Piece:
        """Usage on its own; anything else without choices (Azure's filter results, pings) is nothing to a caller."""
        delta = read_chunk_object(chunk)
        if delta.usage is None or self._has_told_usage:
            return Piece(b"", delta)
        self._has_told_usage = self._asked.wants_usage
        changed = self._envelope.fill(chunk)
        if chunk.get("choices") != []:
            chunk["choices"], changed = [], True
        if not chunk.get("usage"):
            chunk["usage"], changed = delta.usage, True
        return Piece(_event(chunk) if changed else raw, delta)

    def _hold_usage(self, chunk: Fields, delta: Delta) -> bool:
        """Who asked for usage gets it once: where it comes with the finish reason, else in a chunk of its own."""
        if chunk.get("usage") and any(choice.finish_reason for choice in delta.choices):
            self._has_told_usage = True
            return False
        self._untold_usage = delta.usage
        return chunk.pop("usage", None) is not None

    def _rest(self, finish_reason: str | None) -> list[Piece]:
        chunks = [
            self._envelope.around([{"index": index, "delta": rest, "finish_reason": None}])
            for index, choice in self._choices.items()
            if (rest := choice.rest(finish_reason))
        ]
        if self._untold_usage is not None and not self._has_told_usage:
            self._has_told_usage = True
            chunks.append(self._envelope.around([], usage=self._untold_usage))
        return [Piece(_event(chunk), read_chunk_object(chunk)) for chunk in chunks]


def read_whole(body: bytes, asked: AnswerContext, quirks: AnswerQuirks) -> WholeAnswer:
    """The body itself, or what it should have been; one that is no completion says nothing."""
    try:
        completion = _object(body)
    except ValueError:
        return WholeAnswer(body, Delta())
    found = completion.get("choices")
    choices = [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []
    if not choices or completion.get("error"):
        return WholeAnswer(body, read_completion_object(completion))
    changed, notes = Envelope(asked, COMPLETION).fill(completion), []
    for place, choice in enumerate(choices):
        repair = ChoiceRepair(asked, quirks, "message")
        if type(choice.get("index")) is not int:
            choice["index"], changed = place, True
        if repair.repair(choice):
            changed = True
            notes.append(repair.note)
    raw = _serialised(completion) if changed else body
    return WholeAnswer(raw, read_completion_object(completion), tuple(note for note in notes if note))


def _says(choice: Fields) -> bool:
    delta = choice["delta"]
    return bool(choice["finish_reason"]) or (isinstance(delta, dict) and any(delta.values()))


def _event(chunk: Fields) -> bytes:
    return b"data: " + _serialised(chunk) + b"\n\n"


def _serialised(body: Fields) -> bytes:
    try:
        return to_json(body)
    except ValueError:  # half of a surrogate pair
        return json.dumps(body).encode()


def _object(data: bytes) -> Fields:
    try:
        parsed = from_json(data)
    except ValueError:
        parsed = _parsed_leniently(data)
    if isinstance(parsed, list) and parsed:  # Google wraps its errors in an array
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004
    return parsed


def _parsed_leniently(data: bytes) -> object:
    """Half of a surrogate pair, and very deep nesting, are too much for the fast parser alone."""
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
