"""What one chat completion chunk, or one whole completion, says: OpenAI's shape read leniently into typed values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

DONE = b"[DONE]"

type Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A part of a tool call; `arguments` is a fragment of JSON text."""

    index: int
    call_id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceDelta:
    """What a chunk adds to one choice."""

    index: int = 0
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str | None = None

    @property
    def is_useful(self) -> bool:
        """Whether a caller can speak or act on it: text, a refusal or a tool call; never reasoning or a role."""
        return bool(self.text or self.refusal or self.tool_calls)


@dataclass(frozen=True, slots=True)
class InBandError:
    """An error that came inside a stream that had begun with status 200."""

    message: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """One chunk. `usage` is the provider's own object, unread; None when absent or null."""

    choices: tuple[ChoiceDelta, ...] = ()
    usage: Json | None = None
    error: InBandError | None = None
    completion_id: str | None = None
    model: str | None = None

    @property
    def is_useful(self) -> bool:
        """Whether any choice got something to speak or act on."""
        return any(choice.is_useful for choice in self.choices)

    @property
    def is_usage_only(self) -> bool:
        """Whether it carries usage and nothing else, as OpenAI's last chunk does."""
        return self.usage is not None and not self.choices and self.error is None


def read_chunk(data: bytes) -> Delta:
    """One event's data as a delta. Raises ValueError when it is not a JSON object."""
    return _read(_object(data), part="delta")


def read_completion(body: bytes) -> Delta:
    """A whole (not streamed) completion as one delta. Raises ValueError when it is not a JSON object."""
    return _read(_object(body), part="message")


def read_error(body: bytes) -> InBandError:
    """The message and code of an error body in any of the providers' shapes; the text itself where it has none."""
    try:
        parsed = _parsed(body)
    except ValueError:
        return InBandError(body.decode("utf-8", "replace").strip() or "no body")
    if isinstance(parsed, list) and parsed:  # Google wraps its error in an array
        parsed = parsed[0]
    return _error_of(parsed) or InBandError(json.dumps(parsed))


def _object(data: bytes) -> Json:
    parsed = _parsed(data)
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004
    return parsed


def _parsed(text: bytes) -> object:
    try:
        parsed: object = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return parsed


def _read(body: Json, part: str) -> Delta:
    choices = body.get("choices")
    usage = body.get("usage") or _groq_usage(body)
    return Delta(
        choices=tuple(_choice(c, part) for c in choices if isinstance(c, dict)) if isinstance(choices, list) else (),
        usage=usage if isinstance(usage, dict) else None,
        error=_error_of(body) if _may_be_error(body) else None,
        completion_id=_text(body.get("id")) or None,
        model=_text(body.get("model")) or None,
    )


def _may_be_error(body: Json) -> bool:
    return "error" in body or "errors" in body or body.get("object") == "error"


def _groq_usage(body: Json) -> object:
    extension = body.get("x_groq")
    return extension.get("usage") if isinstance(extension, dict) else None


def _choice(choice: Json, part: str) -> ChoiceDelta:
    found = choice.get(part)
    delta: Json = found if isinstance(found, dict) else {}
    calls = delta.get("tool_calls")
    if not calls and isinstance(function := delta.get("function_call"), dict):  # the older way to call one tool
        calls = [{"function": function}]
    return ChoiceDelta(
        index=_index(choice.get("index"), 0),
        text=_content(delta.get("content")),
        reasoning=_text(delta.get("reasoning_content")) or _text(delta.get("reasoning")),
        refusal=_text(delta.get("refusal")),
        tool_calls=tuple(_tool_calls(calls)) if isinstance(calls, list) else (),
        finish_reason=_text(choice.get("finish_reason")) or None,
    )


def _tool_calls(calls: list[object]) -> list[ToolCallDelta]:
    read = []
    for position, call in enumerate(calls):
        if isinstance(call, dict):
            function = call.get("function")
            function = function if isinstance(function, dict) else {}
            read.append(
                ToolCallDelta(
                    index=_index(call.get("index"), position),
                    call_id=_text(call.get("id")) or None,
                    name=_text(function.get("name")) or None,
                    arguments=_text(function.get("arguments")),
                )
            )
    return read


def _content(value: object) -> str:
    if isinstance(value, list):  # an array of parts, as some providers answer
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return _text(value)


def _error_of(body: object) -> InBandError | None:
    if not isinstance(body, dict):
        return None
    places = (body.get("error"), body.get("message"), _first(body.get("errors")))
    error = next((found for found in places if found and isinstance(found, str | dict)), None)
    if error is None:
        return None
    if isinstance(error, str):
        return InBandError(error)
    message = _text(error.get("message")) or json.dumps(error)
    code = error.get("code") or error.get("type")
    return InBandError(message, None if code is None else str(code))


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _index(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise
