"""Reads a chat completion chunk, or a whole completion, leniently into typed values."""

from collections.abc import Mapping
from dataclasses import dataclass

from switchboard.domain.limits import MAX_FINISH_REASON_CHARACTERS, MAX_TIER_CHARACTERS
from switchboard.stream.media import read_audio, read_images
from switchboard.stream.provider_errors import InBandError, error_of, may_be_error, read_value

DONE = b"[DONE]"

FAILED_REASONS = frozenset({"error", "network_error", "insufficient_system_resource"})
"""Finish reasons that mean that the provider failed. OpenRouter, Mistral; Z.AI; DeepSeek."""

UNSPOKEN_REASONS = frozenset({"length", "content_filter"})
"""Finish reasons with which an answer without words is nobody's failure: the request's limit, or its content."""

_PLAIN = frozenset({"content", "role"})
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
    audio: Json | None = None
    images: tuple[Json, ...] = ()

    @property
    def is_useful(self) -> bool:
        """Whether a caller can use it: anything but reasoning, whitespace or a role."""
        has_words = self.text and not self.text.isspace()
        return bool(has_words or self.refusal or self.tool_calls or self.audio or self.images)


@dataclass(frozen=True, slots=True)
class Delta:
    """One chunk. `usage` is the provider's own object, unparsed; None if absent or null; `service_tier` as it came."""

    choices: tuple[ChoiceDelta, ...] = ()
    usage: Json | None = None
    error: InBandError | None = None
    completion_id: str | None = None
    model: str | None = None
    service_tier: str | None = None

    @property
    def is_useful(self) -> bool:
        """Whether any choice has something that a caller can use."""
        return any(choice.is_useful for choice in self.choices)

    @property
    def is_usage_only(self) -> bool:
        """Whether it carries usage and nothing else, as OpenAI's last chunk does."""
        return self.usage is not None and not self.choices and self.error is None


def read_chunk(data: bytes) -> Delta:
    """One event's data as a delta. Raises ValueError if it is not a JSON object."""
    return read_chunk_object(_object(data))


def read_chunk_object(chunk: Json) -> Delta:
    """A parsed chunk as a delta."""
    return _read(chunk, part="delta")


def read_completion(body: bytes) -> Delta:
    """A whole (not streamed) completion as one delta. Raises ValueError if it is not a JSON object."""
    return read_completion_object(_object(body))


def read_completion_object(completion: Json) -> Delta:
    """A parsed whole completion as one delta."""
    return _read(completion, part="message")


def _object(data: bytes) -> Json:
    parsed = read_value(data)
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004
    return parsed


def _read(body: Json, part: str) -> Delta:
    found = body.get("choices")
    usage = body.get("usage") or (_groq_usage(body) if "x_groq" in body else None)
    usage = usage if usage and isinstance(usage, dict) else None
    completion_id, model, tier = body.get("id"), body.get("model"), body.get("service_tier")
    error = error_of(body) if may_be_error(body, is_whole=part == "message") else None
    choices = []
    for choice in found if isinstance(found, list) else ():
        if isinstance(choice, dict):
            delta = _choice(choice, part)
            choices.append(delta)
            if usage is None:
                usage = _usage_in(choice, part)
            if delta.finish_reason in FAILED_REASONS:
                error = error or _failure_of(choice)
    return Delta(
        choices=tuple(choices),
        usage=usage,
        error=error,
        completion_id=completion_id if isinstance(completion_id, str) and completion_id else None,
        model=model if isinstance(model, str) and model else None,
        service_tier=tier if isinstance(tier, str) and 0 < len(tier) <= MAX_TIER_CHARACTERS else None,
    )


def _failure_of(choice: Json) -> InBandError:
    """OpenRouter puts an error object into the choice; others only send the finish reason."""
    reason = str(choice.get("finish_reason"))
    return error_of({"error": choice.get("error")}) or InBandError(f"the answer ended with {reason!r}", reason)


def _groq_usage(body: Json) -> object:
    extension = body.get("x_groq")
    return extension.get("usage") if isinstance(extension, dict) else None


def _usage_in(choice: Json, part: str) -> Json | None:
    """Usage within a choice (Moonshot) or within its delta or message."""
    usage = choice.get("usage")
    if not usage and isinstance(within := choice.get(part), dict):
        usage = within.get("usage")
    return usage if usage and isinstance(usage, dict) else None


def _choice(choice: Json, part: str) -> ChoiceDelta:
    found = choice.get(part)
    delta: Json = found if isinstance(found, dict) else {}
    content, index, reason = delta.get("content"), choice.get("index"), choice.get("finish_reason")
    text = content if isinstance(content, str) else _content(content)
    index = index if isinstance(index, int) else 0
    reason = reason[:MAX_FINISH_REASON_CHARACTERS] if reason and isinstance(reason, str) else None
    if delta.keys() <= _PLAIN:  # nearly every chunk: skip the lookups below
        return ChoiceDelta(index, text, finish_reason=reason)
    calls = delta.get("tool_calls")
    if not calls and isinstance(function := delta.get("function_call"), dict):  # the older way to call one tool
        calls = [{"function": function}] if function.get("name") or function.get("arguments") else None
    return ChoiceDelta(
        index=index,
        text=text,
        reasoning=_text(delta.get("reasoning_content")) or _text(delta.get("reasoning")),
        refusal=_text(delta.get("refusal")),
        tool_calls=tuple(_tool_calls(calls)) if isinstance(calls, list) else (),
        audio=read_audio(delta.get("audio")),
        images=tuple(read_images(delta)),
        finish_reason=reason,
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


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _index(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise
