"""Completes rounds of tool calls: every call is followed by its result, and every result follows its call.

A result that comes late moves to its call; a call without one gets `The tool gave no result.`; a result without a call
is sent as marked text of the user's, at its place. No call is left out.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.domain.codec import Draft
from gateway.providers.histories.empty import NO_RESULT
from switchboard.stream.deltas import Json

_RESULT_ROLES = frozenset({"tool", "function"})
_TAG = "tool_result"


@dataclass(slots=True)
class _Calling:
    """A message with tool calls: their ids, the results found for them, and results right after it of unknown calls."""

    ids: list[str]
    results: dict[str, Json] = field(default_factory=dict)
    strays: list[tuple[int, Json]] = field(default_factory=list)


def complete_rounds(body: Draft) -> None:
    """Put every tool's result right after its call; add what is missing; send results without a call as text."""
    messages = body.messages
    if _are_complete(messages):
        return
    rounds = _Rounds(body)
    for position, message in enumerate(messages):
        rounds.read(position, message)
    ordered = list(rounds.write())
    if len(ordered) != len(messages) or any(new is not old for new, old in zip(ordered, messages, strict=True)):
        body.fields["messages"] = ordered


class _Rounds:
    """Reads the messages in their order, then writes them in the order of rounds."""

    def __init__(self, body: Draft) -> None:
        self._body = body
        self._messages = list(body.messages)
        self._known = {call.get("id") for message in self._messages for call in _calls(message) if _is_id(call)}
        self._callings: dict[int, _Calling] = {}
        self._open: dict[str, tuple[_Calling, deque[str]]] = {}
        """The calls without a result of the last message that has the id, and the ids that they are sent under."""
        self._moved: set[int] = set()
        self._last: int | None = None
        """The position of the calling message that the current run of results follows."""
        self._used: set[object] = set()
        self._unnamed = 0

    def read(self, position: int, message: Json) -> None:
        """Note the calls or the result of the next message."""
        if message.get("role") == "assistant" and next(_calls(message), None) is not None:
            self._read_calls(position, message)
            self._last = position
        elif message.get("role") in _RESULT_ROLES:
            self._read_result(position, message)
        else:
            self._last = None

    def write(self) -> Iterator[Json]:
        """The messages, each call followed by its results."""
        for message_calls in self._callings.values():
            self._assign_strays(message_calls)
        for position, message in enumerate(self._messages):
            if position in self._moved:
                continue
            if message.get("role") in _RESULT_ROLES and self._is_orphan(message):
                self._body.note("sent a tool result without its call as text")
                yield _as_text(message)
            else:
                yield message
            if (calling := self._callings.get(position)) is not None:
                yield from self._results(calling)

    def _read_calls(self, position: int, message: Json) -> None:
        """Give each call of a message an id of its own; a new one is the same on every later turn."""
        found = message["tool_calls"]
        calls: list[object] = list(found) if isinstance(found, list) else []
        self._used.update(call["id"] for call in _calls(message) if _is_id(call))
        by_given_id: dict[str, deque[str]] = {}
        ids: dict[str, None] = {}
        for place, call in enumerate(calls):
            if isinstance(call, dict):
                given_id = call["id"] if _is_id(call) else ""
                sent_id = given_id if given_id and given_id not in ids else self._new_id()
                if sent_id != call.get("id"):
                    calls[place] = {**call, "id": sent_id}
                    self._body.note("repaired a tool call's id")
                ids[sent_id] = None
                if given_id:
                    by_given_id.setdefault(given_id, deque()).append(sent_id)
        if calls != found:
            self._messages[position] = {**message, "tool_calls": calls}
        calling = self._callings[position] = _Calling(list(ids))
        self._open |= {given_id: (calling, sent_ids) for given_id, sent_ids in by_given_id.items()}

    def _read_result(self, position: int, message: Json) -> None:
        call_id = message.get("tool_call_id")
        if not isinstance(call_id, str) or call_id not in self._known:
            if self._last is not None:
                self._callings[self._last].strays.append((position, message))
        elif call_id in self._open:
            calling, sent_ids = self._open[call_id]
            sent_id = sent_ids.popleft()
            if not sent_ids:
                del self._open[call_id]
            calling.results[sent_id] = message if sent_id == call_id else {**message, "tool_call_id": sent_id}
            self._moved.add(position)
            if self._last is None or calling is not self._callings[self._last]:
                self._body.note("moved a late tool result to its call")

    def _assign_strays(self, calling: _Calling) -> None:
        """Give results of unknown calls to the calls that they follow and that have none, in order."""
        waiting = [call_id for call_id in calling.ids if call_id not in calling.results]
        for call_id, (position, message) in zip(waiting, calling.strays, strict=False):
            self._body.note("gave a tool result of an unknown call to the first open one")
            kept = {name: value for name, value in message.items() if name != "name"}
            calling.results[call_id] = kept | {"role": "tool", "tool_call_id": call_id}
            self._moved.add(position)

    def _results(self, calling: _Calling) -> Iterator[Json]:
        yield from calling.results.values()
        for call_id in calling.ids:
            if call_id not in calling.results:
                self._body.note("added a missing tool result")
                yield {"role": "tool", "tool_call_id": call_id, "content": NO_RESULT}

    def _is_orphan(self, message: Json) -> bool:
        """An older function's result has no id: it belongs to the `function_call` before it."""
        return message.get("role") == "tool" or bool(message.get("tool_call_id"))

    def _new_id(self) -> str:
        """Free so far: what follows later must not change it."""
        while (call_id := f"call_{self._unnamed}") in self._used:
            self._unnamed += 1
        self._used.add(call_id)
        return call_id


def _are_complete(messages: list[Json]) -> bool:
    """Whether every call has an id of its own and is followed by its result: nearly every history, told quickly."""
    waiting: set[object] = set()
    for message in messages:
        if message.get("role") in _RESULT_ROLES:
            call_id = message.get("tool_call_id")
            if not isinstance(call_id, str) or call_id not in waiting:
                return False
            waiting.remove(call_id)
        elif waiting:
            return False
        elif "tool_calls" in message and message.get("role") == "assistant":
            ids = [call["id"] if _is_id(call) else "" for call in _calls(message)]
            waiting.update(ids)
            if "" in waiting or len(waiting) < len(ids):
                return False
    return not waiting


def _calls(message: Json) -> Iterator[Json]:
    found = message.get("tool_calls")
    return (call for call in found if isinstance(call, dict)) if isinstance(found, list) else iter(())


def _is_id(call: Json) -> bool:
    call_id = call.get("id")
    return isinstance(call_id, str) and bool(call_id)


def _as_text(message: Json) -> Json:
    """The user's turn with a result's text between tags; parts that are no text stay parts."""
    content = message.get("content")
    if not isinstance(content, list) or not content:
        text = content if isinstance(content, str) and content.strip() else NO_RESULT
        return {"role": "user", "content": f"<{_TAG}>\n{text}\n</{_TAG}>"}
    texts = [part.get("text") if isinstance(part, dict) else part for part in content]
    if all(isinstance(text, str) for text in texts):
        joined = "\n".join(str(text) for text in texts)
        return {"role": "user", "content": f"<{_TAG}>\n{joined}\n</{_TAG}>"}
    return {"role": "user", "content": [_text(f"<{_TAG}>"), *content, _text(f"</{_TAG}>")]}


def _text(text: str) -> Json:
    return {"type": "text", "text": text}
