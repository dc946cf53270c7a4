"""Reads answers of Chat Completions: bytes pass unchanged, and are rewritten only where strict clients would break."""

from collections.abc import Iterable

from gateway.domain.codec import AnswerContext, AnswerEvent, TooMuch, WholeAnswer
from gateway.domain.json_text import read_json_strictly, write_json
from gateway.providers.chat_completions.choices import AnswerQuirks, ChoiceRepair, Fields
from gateway.providers.chat_completions.envelope import CHUNK, COMPLETION, Envelope
from gateway.providers.chat_completions.usage_shape import complete_usage
from switchboard.domain.limits import MAX_CHOICES
from switchboard.stream.deltas import DONE, Delta, Json, read_chunk_object, read_completion_object
from switchboard.stream.sse import BYTE_ORDER_MARK, Event

MISSING_END = "added the missing finish reason"
FURTHER_CHOICES = f"left out choices: {MAX_CHOICES} are read"


class OpenAiReader:
    """Reads one streamed answer: completes its chunks, moves reasoning out of the content, sends usage once."""

    def __init__(self, context: AnswerContext, quirks: AnswerQuirks) -> None:
        self._context = context
        self._quirks = quirks
        self._envelope = Envelope(context, CHUNK)
        self._choices: dict[int, ChoiceRepair] = {}
        self._held_usage: Json | None = None
        self._has_sent_usage = False

    def read(self, event: Event) -> Iterable[AnswerEvent]:
        """The event itself, or its repaired form. Raises ValueError when its data is not a JSON object."""
        if event.data is None:
            return (AnswerEvent(event.raw),)
        if event.data.strip() == DONE:
            return (*self._held_back("stop"), AnswerEvent(event.raw, is_done=True))
        chunk, is_strict = _object(event.data)
        if "error" in chunk or "errors" in chunk or "base_resp" in chunk:
            delta = read_chunk_object(chunk)
            if delta.error is not None:
                return (AnswerEvent(b"", delta),)
        return self._read(event.raw, chunk, changed=not is_strict)

    def finish(self) -> Iterable[AnswerEvent]:
        """What was held back: text that could have become a tag, and usage that was not sent yet."""
        return self._held_back(None)

    def _read(self, raw: bytes, chunk: Fields, *, changed: bool) -> tuple[AnswerEvent, ...]:
        found = chunk.get("choices")
        choices = found if isinstance(found, list) else []
        if len(choices) > MAX_CHOICES:
            raise TooMuch(FURTHER_CHOICES)
        if not choices:
            return (self._without_choices(raw, chunk, changed=changed),)
        changed |= self._envelope.fill(chunk) | complete_usage(chunk)
        note, late = "", ()  # type: str, tuple[AnswerEvent, ...]
        for place, choice in enumerate(choices):
            if not isinstance(choice, dict):
                raise ValueError("a choice is not an object")  # noqa: TRY004
            repair, was_changed = self._repair_of(choice, place)
            if repair.repair(choice) or was_changed:
                changed = True
                note, repair.note = note or repair.note, ""
            if repair.late_parts:
                late += (self._late_parts(choice["index"], repair),)
        delta = read_chunk_object(chunk)
        if delta.usage is not None and self._context.wants_usage:
            changed |= self._hold_usage(chunk, delta)
        if not changed:
            return (*late, AnswerEvent(raw, delta, note=note))
        # A chunk whose whole text is held back is not sent.
        is_empty = delta.usage is None and not any(map(_has_content, choices))
        return (*late, AnswerEvent(b"" if is_empty else _event(chunk), delta, note=note))

    def _late_parts(self, index: object, repair: ChoiceRepair) -> AnswerEvent:
        parts, repair.late_parts = repair.late_parts, []
        note, repair.note = repair.note, ""
        chunk = self._envelope.wrap([{"index": index, "delta": {"tool_calls": parts}, "finish_reason": None}])
        return AnswerEvent(_event(chunk), read_chunk_object(chunk), note=note)

    def _repair_of(self, choice: Fields, place: int) -> tuple[ChoiceRepair, bool]:
        index = choice.get("index")
        was_changed = type(index) is not int
        if type(index) is not int:
            index = choice["index"] = place
        repair = self._choices.get(index)
        if repair is None:
            if len(self._choices) >= MAX_CHOICES:
                raise TooMuch(FURTHER_CHOICES)
            repair = self._choices[index] = ChoiceRepair(self._context, self._quirks, "delta")
        return repair, was_changed

    def _without_choices(self, raw: bytes, chunk: Fields, *, changed: bool) -> AnswerEvent:
        """A chunk of usage alone; any other chunk without choices (Azure's filter results, pings) is not sent."""
        changed |= complete_usage(chunk)
        delta = read_chunk_object(chunk)
        if delta.usage is None or self._has_sent_usage:
            return AnswerEvent(b"", delta)
        self._has_sent_usage = self._context.wants_usage
        changed |= self._envelope.fill(chunk)
        if chunk.get("choices") != []:
            chunk["choices"], changed = [], True
        if not chunk.get("usage"):
            chunk["usage"], changed = delta.usage, True
        return AnswerEvent(_event(chunk) if changed else raw, delta)

    def _hold_usage(self, chunk: Fields, delta: Delta) -> bool:
        """A caller that asked for usage gets it once: with the finish reason if it came there, else in a last chunk."""
        if chunk.get("usage") and any(choice.finish_reason for choice in delta.choices):
            self._has_sent_usage = True
            return False
        self._held_usage = delta.usage
        return chunk.pop("usage", None) is not None

    def _held_back(self, finish_reason: str | None) -> list[AnswerEvent]:
        chunks = [
            self._envelope.wrap([{"index": index, "delta": delta, "finish_reason": None}])
            for index, choice in self._choices.items()
            if (delta := choice.held_back(finish_reason))
        ]
        ends = [] if finish_reason is None else self._missing_ends()
        chunks += [self._envelope.wrap([end]) for end in ends]
        if self._held_usage is not None and not self._has_sent_usage:
            self._has_sent_usage = True
            chunks.append(self._envelope.wrap([], usage=self._held_usage))
        note = MISSING_END if ends else ""
        return [AnswerEvent(_event(chunk), read_chunk_object(chunk), note=note) for chunk in chunks]

    def _missing_ends(self) -> list[Fields]:
        """The end of each choice that got no finish reason: clients act on a tool call only after one."""
        return [
            {"index": index, "delta": {}, "finish_reason": reason}
            for index, choice in self._choices.items()
            if (reason := choice.missing_reason())
        ]


def read_whole(body: bytes, context: AnswerContext, quirks: AnswerQuirks) -> WholeAnswer:
    """The body itself, or its repaired form; the delta of a body that is not a JSON object is empty."""
    try:
        completion, changed = _whole_object(body)
    except ValueError:
        return WholeAnswer(body, Delta())
    found = completion.get("choices")
    choices = [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []
    if not choices or completion.get("error") or "base_resp" in completion:
        delta = read_completion_object(completion)
        if delta.error is not None or not choices:
            return WholeAnswer(body, delta)
    changed |= Envelope(context, COMPLETION).fill(completion) | complete_usage(completion)
    notes = []
    if len(choices) > MAX_CHOICES:
        choices = completion["choices"] = choices[:MAX_CHOICES]
        changed = True
        notes.append(FURTHER_CHOICES)
    for place, choice in enumerate(choices):
        repair = ChoiceRepair(context, quirks, "message")
        if type(choice.get("index")) is not int:
            choice["index"], changed = place, True
        if repair.repair(choice):
            changed = True
            notes.append(repair.note)
    delta = read_completion_object(completion)
    if delta.usage is not None and not completion.get("usage"):
        completion["usage"], changed = delta.usage, True
    raw = write_json(completion) if changed else body
    return WholeAnswer(raw, delta, tuple(note for note in notes if note))


def _has_content(choice: Fields) -> bool:
    delta = choice["delta"]
    return bool(choice["finish_reason"]) or (isinstance(delta, dict) and any(delta.values()))


def _event(chunk: Fields) -> bytes:
    return b"data: " + write_json(chunk) + b"\n\n"


def _whole_object(body: bytes) -> tuple[Fields, bool]:
    """The object, and whether it must be written anew."""
    text = body.removeprefix(BYTE_ORDER_MARK)
    completion, is_strict = _object(text)
    return completion, not is_strict or len(text) != len(body)


def _object(data: bytes) -> tuple[Fields, bool]:
    """The object, and whether strict parsers read it too."""
    parsed, is_strict = read_json_strictly(data)
    if isinstance(parsed, list) and parsed:  # Google wraps its errors in an array
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004
    return parsed, is_strict
