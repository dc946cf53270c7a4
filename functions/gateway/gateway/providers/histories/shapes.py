"""Gives messages the types that OpenAI documents: a known role, content that is text or parts, calls that are objects.

Agents put a tool's result, or a part, into the content as it is. A history keeps such a message for every later turn.
"""

from gateway.domain.codec import Draft
from gateway.domain.json_text import write_json
from gateway.providers.histories.refusals import INSTRUCTIONS
from switchboard.stream.deltas import Json

_ROLES = frozenset({*INSTRUCTIONS, "user", "assistant", "tool", "function"})
_OTHER_NAMES = {"model": "assistant", "ai": "assistant", "bot": "assistant", "human": "user"}
_RESULTS = frozenset({"tool", "function"})
_TEXTS = frozenset({"text", "input_text", "output_text"})


def fit_shapes(body: Draft) -> None:
    """Change roles, contents and lists of calls of other types, with a note for each kind of change."""
    for position, message in enumerate(body.messages):
        content, calls = message.get("content"), message.get("tool_calls")
        fitted: dict[str, object] = {}
        if (role := message.get("role")) not in _ROLES and (known := _role(role)) is not None:
            fitted["role"] = known
            body.note(f"sent the role {known!r} for a name like it")
        if not (content is None or isinstance(content, str)):
            fitted_content = _content(content, is_result=role in _RESULTS)
            if fitted_content is not content:
                fitted["content"] = fitted_content
                body.note("sent contents as text or parts")
        if isinstance(calls, list) and not all(isinstance(call, dict) for call in calls):
            fitted["tool_calls"] = [call for call in calls if isinstance(call, dict)] or None
            body.note("left out tool calls that are no objects")
        if fitted:
            body.messages[position] = _with(message, fitted)


def _with(message: Json, fitted: Json) -> Json:
    made = {**message, **fitted}
    if made.get("tool_calls", ()) is None:
        del made["tool_calls"]
    return made


def _role(role: object) -> str | None:
    """The role that is meant: in capitals, another API's, or repeated by a client that joins the chunks' roles."""
    if not isinstance(role, str) or not role:
        return None
    lowered = role.strip().lower()
    if lowered in _ROLES:
        return lowered
    joined = next((name for name in _ROLES if lowered == name * (len(lowered) // len(name))), None)
    return joined or _OTHER_NAMES.get(lowered)


def _content(content: object, *, is_result: bool) -> object:
    parts = content if isinstance(content, list) else [content]
    if is_result and not all(isinstance(part, str) or _is_part(part) for part in parts):
        return write_json(content).decode()
    if isinstance(content, list):
        fitted = [_part(part) for part in content]
        kept = [part for part in fitted if part is not None]
        return content if all(new is old for new, old in zip(fitted, content, strict=True)) else kept
    if isinstance(content, dict):
        return [part] if (part := _part(content)) is not None else None
    return write_json(content).decode()


def _is_part(part: object) -> bool:
    """Whether it is a part of a content: one has its type, and holds something under that name."""
    if not isinstance(part, dict):
        return False
    kind = part.get("type")
    return isinstance(kind, str) and (kind in part or (kind in _TEXTS and "text" in part))


def _part(part: object) -> object:
    """The part as OpenAI documents it; None for text without any."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, dict):
        return part
    kind = part.get("type")
    if kind is None and isinstance(part.get("text"), str):
        return {"type": "text", **{name: value for name, value in part.items() if name != "type"}}
    if kind == "text" and part.get("text") is None:
        return None
    if kind == "image_url" and isinstance(url := part.get("image_url"), str):
        return {**part, "image_url": {"url": url}}
    return part
