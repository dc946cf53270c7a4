"""Completes tool calls for strict clients: each has one id, one name, one index, and arguments that are JSON."""

from dataclasses import dataclass, field

from gateway.domain.codec import AnswerContext, TooMuch
from gateway.domain.json_text import object_field, text_field
from gateway.providers.chat_completions.history_fingerprint import fingerprint
from gateway.providers.chat_completions.json_end import JsonEnd
from gateway.providers.chat_completions.message_shapes import nest_function, write_arguments
from gateway.providers.chat_completions.signatures import remember_signature
from switchboard.domain.limits import MAX_TOOL_CALLS

type Fields = dict[str, object]

FURTHER_CALLS = f"left out tool calls: {MAX_TOOL_CALLS} are read"
NO_ARGUMENTS = "{}"
"""The arguments of a call for which the model wrote none: clients parse them as JSON."""


@dataclass(slots=True)
class _Call:
    """One call so far. `given_id`: the provider's own id for it, empty where it sent none."""

    place: int
    call_id: str
    given_id: str
    name: str
    is_function: bool
    arguments: JsonEnd = field(default_factory=JsonEnd)


class ToolCallNumbers:
    """Numbers the tool calls of one choice, and gives an id to those without one.

    Gemini leaves out indexes and sometimes ids, and sends parallel calls one a chunk; other servers give every parallel
    call the index 0, or repeat id and name in every part. A call's id always means that call; under one index, another
    name, or more text after complete arguments, begins another call.

    Calls are numbered from 0 without gaps. Servers in front of Claude count its content blocks, and OpenAI's SDKs take
    each part of a call whose number has a gap before it for another call.
    """

    __slots__ = ("_by_given_id", "_calls", "_context", "_history", "_latest", "_next_place", "_signed")

    def __init__(self, context: AnswerContext, *, signed: bool) -> None:
        self._context = context
        self._signed = signed
        self._history = ""
        self._calls: dict[int, _Call] = {}
        self._by_given_id: dict[str, _Call] = {}
        self._latest: dict[int | None, _Call] = {}
        self._next_place = 0

    @property
    def first_id(self) -> str | None:
        """The id of the first call, None while there is none."""
        return next((call.call_id for call in self._calls.values()), None)

    def __bool__(self) -> bool:
        """Whether there is any call."""
        return bool(self._calls)

    def repair(self, parts: list[object], *, streamed: bool) -> bool:
        """Complete the calls, or parts of calls, of one message or delta; whether anything was changed."""
        changed = False
        for part in parts:
            if isinstance(part, dict):
                changed |= nest_function(part) | write_arguments(object_field(part, "function"))
                if streamed:
                    changed |= self._continue(part)
                else:  # each entry is a call of its own
                    changed |= self._begin(part, len(self._calls))
        return changed

    def end(self, parts: object, *, streamed: bool) -> tuple[bool, list[Fields]]:
        """Give the calls without arguments `{}`: their last parts are these, which may be changed in place.

        Whether one was, and a further part for each call that has none among them.
        """
        empty = {
            place: call for place, call in self._calls.items() if call.is_function and not call.arguments.has_begun
        }
        changed = False
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            if not isinstance(part, dict):
                continue
            number = _index_of(part, place) if streamed else place
            if (call := empty.pop(number, None)) is not None:
                part["function"], changed = object_field(part, "function") | {"arguments": NO_ARGUMENTS}, True
                call.arguments.add(NO_ARGUMENTS)
        for call in empty.values():
            call.arguments.add(NO_ARGUMENTS)
        return changed, [{"index": place, "function": {"arguments": NO_ARGUMENTS}} for place in empty]

    def _continue(self, part: Fields) -> bool:
        """Number a part of a call; whether it was changed."""
        given = part.get("index")
        index = given if type(given) is int else None
        call = self._find(part, index)
        if call is None:
            changed = self._begin(part, self._next_place, self._latest.get(index))
            call = self._calls[next(reversed(self._calls))]
        else:
            changed = _tell_once(call, part)
            self._remember(call, part)
            call.arguments.add(text_field(object_field(part, "function"), "arguments"))
        if len(self._latest) < MAX_TOOL_CALLS or index in self._latest:
            self._latest[index] = call
        if given != call.place or index is None:
            part["index"], changed = call.place, True
        return changed

    def _begin(self, part: Fields, place: int, before: _Call | None = None) -> bool:
        """Add a call, `before` it the last one under its index; whether its part had to be completed.

        Raises TooMuch.
        """
        if len(self._calls) >= MAX_TOOL_CALLS:
            raise TooMuch(FURTHER_CALLS)
        changed, given_id, function = False, text_field(part, "id"), object_field(part, "function")
        name = text_field(function, "name")
        if not name and before is not None:  # more text after complete arguments
            name = before.name
            part["function"], changed = function | {"name": name}, True
        call = _Call(
            place,
            given_id or f"call_{self._context.answer_id[-20:]}{place:02}",
            given_id,
            name,
            part.get("type") != "custom",
        )
        if not given_id:
            part["id"], changed = call.call_id, True
        if not part.get("type"):
            part["type"], changed = "function", True
        self._calls[place] = call
        self._next_place = max(self._next_place, place + 1)
        self._by_given_id.setdefault(given_id, call)
        self._remember(call, part)
        call.arguments.add(text_field(function, "arguments"))
        return changed

    def _remember(self, call: _Call, part: Fields) -> None:
        if self._signed and "extra_content" in part:
            self._history = self._history or fingerprint(self._context.messages)
            remember_signature(self._context.memory, self._history, call.call_id, part)

    def _find(self, part: Fields, index: int | None) -> _Call | None:
        """The call that a part continues; None where it begins another."""
        given_id = text_field(part, "id")
        if given_id and (known := self._by_given_id.get(given_id)) is not None:
            return known
        call = self._latest.get(index)
        return None if call is None or _is_another(call, part, given_id, is_numbered=index is not None) else call


def _is_another(call: _Call, part: Fields, given_id: str, *, is_numbered: bool) -> bool:
    function = object_field(part, "function")
    name, arguments = text_field(function, "name"), text_field(function, "arguments")
    if name and call.name:
        # A new id alone is not enough: some servers send a new one with every part.
        if name != call.name or (given_id and call.given_id):
            return True
        if not (is_numbered or given_id or call.arguments.has_begun):
            return True
    return call.arguments.is_complete and bool(arguments.strip())


def _index_of(part: Fields, place: int) -> int:
    index = part.get("index")
    return index if type(index) is int else place


def _tell_once(call: _Call, part: Fields) -> bool:
    """Leave out what the call's earlier parts told: clients join the texts of all parts."""
    changed = False
    for name in ("id", "type"):
        if name in part:
            del part[name]
            changed = True
    function = part.get("function")
    if isinstance(function, dict) and "name" in function:
        if not call.name and (told := text_field(function, "name")):
            call.name = told
        else:
            del function["name"]
            changed = True
    return changed
