"""Leaves out what says nothing: empty lists, and messages without content."""

from gateway.domain.codec import Draft
from gateway.providers.histories.refusals import Empty
from gateway.providers.repairs import SILENCE
from switchboard.domain.notes import note_names
from switchboard.stream.deltas import Json

NO_RESULT = "The tool gave no result."

_SAYS_SOMETHING = (
    *("tool_calls", "function_call", "refusal", "audio", "reasoning", "reasoning_content", "reasoning_details"),
    *("thinking_blocks", "extra_content", "encrypted_content"),
)
"""Fields that an assistant's message without content is kept for."""

_KEPT_LISTS = frozenset({"messages", "metadata", "content"})


def leave_out_empty_fields(body: Draft) -> None:
    """Leave out fields of the request whose value is an empty list: it is refused by some."""
    empty = [name for name, value in body.fields.items() if value == [] and name not in _KEPT_LISTS]
    for name in empty:
        del body.fields[name]
    note_names(body.notes, "left out an empty {}", empty, "left out {} more empty lists")


def leave_out_empty_lists(body: Draft) -> None:
    """Leave out fields of messages and of parts whose value is an empty list.

    Nothing further inside is looked at: a schema, arguments and metadata are the caller's.
    """
    for position, message in enumerate(body.messages):
        kept = _without_empty_lists(message)
        content = kept.get("content")
        if content == []:
            content = None if kept.get("role") == "assistant" else ""
            kept = {**kept, "content": content}
        if type(content) is list and any(isinstance(part, dict) and [] in part.values() for part in content):
            parts = [_without_empty_lists(part) if isinstance(part, dict) else part for part in content]
            kept = {**kept, "content": parts}
        if kept is not message:
            body.messages[position] = kept
            body.note("left out empty lists of messages")


def leave_out_empty_messages(body: Draft, empty: Empty) -> None:
    """Leave out empty messages of the assistant and empty instructions; fill those of the user and of a tool."""
    kept: list[Json] = []
    for message in body.messages:
        if not _is_empty(message.get("content"), empty) or _says_something(message):
            kept.append(message)
            continue
        role = message.get("role")
        if role == "user":
            body.note(f"sent {SILENCE!r} for an empty user message")
            kept.append({**message, "content": SILENCE})
        elif role in {"tool", "function"}:
            body.note("filled an empty tool result")
            kept.append({**message, "content": NO_RESULT})
        else:
            body.note("left out an empty message")
    if body.messages and not kept:
        kept.append({"role": "user", "content": SILENCE})
    if len(kept) != len(body.messages) or any(new is not old for new, old in zip(kept, body.messages, strict=True)):
        body.fields["messages"] = kept


def _without_empty_lists(holder: Json) -> Json:
    if [] not in holder.values():
        return holder
    kept = {name: value for name, value in holder.items() if value != [] or name in _KEPT_LISTS}
    return kept if len(kept) != len(holder) else holder


def _says_something(message: Json) -> bool:
    return message.get("role") == "assistant" and any(message.get(name) for name in _SAYS_SOMETHING)


def _is_empty(content: object, empty: Empty) -> bool:
    if content is None or content == []:
        return True
    if empty is Empty.NULL:
        return False
    if isinstance(content, str):
        return not content or content.isspace()
    return isinstance(content, list) and all(_is_blank(part) for part in content)


def _is_blank(part: object) -> bool:
    text = part.get("text") if isinstance(part, dict) and part.get("type", "text") == "text" else part
    return isinstance(text, str) and (not text or text.isspace())
