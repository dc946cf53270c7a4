"""Completes tool calls for strict clients: an id for every call, the call's index on every streamed part."""

from gateway.domain.codec import AnswerContext
from gateway.domain.json_text import object_field, write_json
from gateway.providers.chat_completions.history_fingerprint import fingerprint
from gateway.providers.chat_completions.signatures import remember_signature


class ToolCallNumbers:
    """Numbers the tool calls of one choice, and gives an id to those without one.

    Gemini leaves out indexes and sometimes ids, and sends parallel calls one a chunk; other servers give every parallel
    call the index 0. A part without a name or an id of its own continues the call before it.
    """

    __slots__ = ("_context", "_ids", "_places", "_signed")

    def __init__(self, context: AnswerContext, *, signed: bool) -> None:
        self._context = context
        self._signed = signed
        self._ids: dict[int, str] = {}
        self._places: dict[object, int] = {}

    @property
    def first_id(self) -> str | None:
        """The id of the first call, None while there is none."""
        return next(iter(self._ids.values()), None)

    def repair(self, calls: list[object], *, streamed: bool) -> bool:
        """Complete the calls, or parts of calls, of one message or delta; whether anything was changed."""
        changed = False
        for call in calls:
            if isinstance(call, dict):
                changed |= self._repair(call, streamed=streamed)
        return changed

    def _repair(self, call: dict[str, object], *, streamed: bool) -> bool:
        changed = _repair_function(call)
        given_id = call.get("id")
        call_id = given_id if isinstance(given_id, str) and given_id else None
        place = self._place(call, call_id)
        if streamed and call.get("index") != place:
            call["index"], changed = place, True
        if place not in self._ids:
            if call_id is None:
                call_id = f"call_{self._context.answer_id[-20:]}{place:02}"
                call["id"], changed = call_id, True
            if not call.get("type"):
                call["type"], changed = "function", True
            self._ids[place] = call_id
        if self._signed and "extra_content" in call:
            remember_signature(self._context.memory, fingerprint(self._context.messages), self._ids[place], call)
        return changed

    def _place(self, call: dict[str, object], call_id: str | None) -> int:
        given = call.get("index")
        index = given if type(given) is int else None
        place = self._places.get(index) if index is not None else self._without_index(call, call_id)
        if place is not None and _is_named(call) and call_id is not None and call_id != self._ids[place]:
            place = None  # another call under an index that is taken
        if place is None:
            next_place = max(self._ids, default=-1) + 1
            place = next_place if index is None or index in self._ids else index
        self._places[index] = place
        return place

    def _without_index(self, call: dict[str, object], call_id: str | None) -> int | None:
        if call_id is not None:
            return next((place for place, known in self._ids.items() if known == call_id), None)
        return None if _is_named(call) else self._places.get(None)


def _is_named(call: dict[str, object]) -> bool:
    return bool(object_field(call, "function").get("name"))


def _repair_function(call: dict[str, object]) -> bool:
    """Make arguments JSON text: some of Cloudflare's models send the object itself, others null."""
    function = call.get("function")
    if not isinstance(function, dict) or "arguments" not in function or isinstance(function["arguments"], str):
        return False
    arguments = function["arguments"]
    function["arguments"] = "" if arguments is None else write_json(arguments).decode()
    return True
