"""Puts an answer's tool calls into the caller's terms, where the request was sent in others: names, older functions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.domain.codec import AnswerEvent, CallersTerms, Reader, WholeAnswer
from gateway.domain.json_text import read_json_object, write_json
from switchboard.stream.deltas import ChoiceDelta, Delta
from switchboard.stream.sse import Event, EventSplitter


class ReaderInCallersTerms:
    """A reader whose tool calls are in the caller's terms."""

    def __init__(self, inner: Reader, terms: CallersTerms) -> None:
        self._inner = inner
        self._terms = terms

    def read(self, event: Event) -> Iterable[AnswerEvent]:
        """The inner reader's events. Raises ValueError, as that reader does."""
        return [self._translated(found) for found in self._inner.read(event)]

    def finish(self) -> Iterable[AnswerEvent]:
        """The inner reader's last events."""
        return [self._translated(found) for found in self._inner.finish()]

    def _translated(self, event: AnswerEvent) -> AnswerEvent:
        if event.delta is None or not _is_concerned(event.delta, self._terms):
            return event
        raw = b"".join(_event(found, self._terms) for found in _events(event.raw))
        return replace(event, raw=raw, delta=_named(event.delta, self._terms.names))


def translate_whole(answer: WholeAnswer, terms: CallersTerms) -> WholeAnswer:
    """A whole answer in the caller's terms."""
    if not _is_concerned(answer.delta, terms):
        return answer
    return replace(answer, raw=_translated(answer.raw, terms), delta=_named(answer.delta, terms.names))


def _is_concerned(delta: Delta, terms: CallersTerms) -> bool:
    if terms.functions and any(choice.tool_calls or choice.finish_reason for choice in delta.choices):
        return True
    return any(call.name in terms.names for choice in delta.choices for call in choice.tool_calls)


def _named(delta: Delta, names: Mapping[str, str]) -> Delta:
    return replace(delta, choices=tuple(_named_choice(choice, names) for choice in delta.choices))


def _named_choice(choice: ChoiceDelta, names: Mapping[str, str]) -> ChoiceDelta:
    calls = [replace(call, name=names.get(call.name or "", call.name)) for call in choice.tool_calls]
    return replace(choice, tool_calls=tuple(calls))


def _events(raw: bytes) -> list[Event]:
    splitter = EventSplitter()
    events = splitter.feed(raw)
    rest = splitter.finish()
    return events if rest is None else [*events, rest]


def _event(event: Event, terms: CallersTerms) -> bytes:
    return event.raw if event.data is None else b"data: " + _translated(event.data, terms) + b"\n\n"


def _translated(data: bytes, terms: CallersTerms) -> bytes:
    """The chunk or completion in the caller's terms; other bytes as they are."""
    try:
        body = read_json_object(data)
    except ValueError:
        return data
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            _translate_choice(choice, terms)
    return write_json(body)


def _translate_choice(choice: dict[str, object], terms: CallersTerms) -> None:
    for part in (choice.get("delta"), choice.get("message")):
        if isinstance(part, dict):
            _rename_calls(part, terms.names)
            if terms.functions and (calls := part.pop("tool_calls", None)):
                _send_as_function(part, calls)
    if terms.functions and choice.get("finish_reason") == "tool_calls":
        choice["finish_reason"] = "function_call"


def _rename_calls(part: dict[str, object], names: Mapping[str, str]) -> None:
    calls = part.get("tool_calls")
    for call in [*(calls if isinstance(calls, list) else ()), {"function": part.get("function_call")}]:
        for field in ("function", "custom"):
            inside = call.get(field) if isinstance(call, dict) else None
            if isinstance(inside, dict) and isinstance(name := inside.get("name"), str) and name in names:
                inside["name"] = names[name]


def _send_as_function(part: dict[str, object], calls: object) -> None:
    """The older way knows one call an answer: the first."""
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict) and not call.get("index") and "function_call" not in part:
            part["function_call"] = call.get("function")
