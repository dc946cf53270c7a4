"""Writes tool rounds as text: for a provider that refuses a tool call without the reasoning that led to it."""

from dataclasses import dataclass

from gateway.domain.codec import Draft
from gateway.domain.json_text import object_field, text_field, write_json
from gateway.providers.chat_completions.signatures import signature_of
from switchboard.stream.deltas import Json


@dataclass(frozen=True, slots=True)
class RoundsAsText:
    """Sends tool calls without reasoning state as the assistant's text, and their results as the user's.

    `fields`: the message fields of which one holds the state. A signature on a call is state too.
    """

    fields: tuple[str, ...]

    def __call__(self, body: Draft) -> None:
        """Rewrite each such call and its results, with a note."""
        names: dict[object, str] = {}

        def rewrite(message: Json) -> Json:
            if message.get("role") == "tool" and _hashable(message.get("tool_call_id")) in names:
                return {"role": "user", "content": _result(message, names[_hashable(message.get("tool_call_id"))])}
            calls = message.get("tool_calls")
            if message.get("role") != "assistant" or not isinstance(calls, list) or self._has_state(message):
                return message
            found = [call for call in calls if isinstance(call, dict)]
            if not found:
                return message
            names.update({_hashable(call.get("id")): _name(call) for call in found})
            return {"role": "assistant", "content": "\n".join([*_texts(message), *map(_call, found)])}

        body.rewrite_messages(rewrite, "sent tool calls as text: the reasoning that led to them is lost")

    def _has_state(self, message: Json) -> bool:
        calls = message.get("tool_calls")
        signed = isinstance(calls, list) and any(signature_of(call) for call in calls if isinstance(call, dict))
        return signed or any(message.get(name) is not None for name in self.fields)


def _texts(message: Json) -> list[str]:
    content = message.get("content")
    return [content] if isinstance(content, str) and content else []


def _call(call: Json) -> str:
    return f"[called {_name(call)} with {text_field(object_field(call, 'function'), 'arguments') or '{}'}]"


def _result(message: Json, name: str) -> str:
    content = message.get("content")
    told = content if isinstance(content, str) else write_json(content).decode()
    return f"[{name} returned: {told}]"


def _name(call: Json) -> str:
    return text_field(object_field(call, "function"), "name") or "a tool"


def _hashable(call_id: object) -> object:
    return call_id if isinstance(call_id, str) else None
