"""Accumulates deltas: text, reasoning, tool calls, the finish reason, and usage as the provider sent it."""

from dataclasses import dataclass, field

from switchboard.domain.limits import MAX_ANSWER_NAME_CHARACTERS, MAX_CHOICES, MAX_TOOL_CALLS, MAX_TRANSCRIPT_BYTES
from switchboard.stream.deltas import DONE, ChoiceDelta, Delta, Json, ToolCallDelta, read_chunk
from switchboard.stream.sizes import size_of
from switchboard.stream.sse import EventSplitter

_PIECE_BYTES = 64
"""What a piece of text takes beside its characters."""


@dataclass(slots=True)
class ToolCall:
    """A tool call assembled from its parts."""

    call_id: str | None = None
    name: str = ""
    parts: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """JSON text as the model wrote it."""
        return "".join(self.parts)

    def is_another(self, part: ToolCallDelta) -> bool:
        """Whether the part begins a different call with the same index: some providers do not number parallel calls."""
        # A new id alone is not enough: some servers send a new one with every part.
        return bool(part.name and part.call_id and self.call_id and part.call_id != self.call_id)


@dataclass(slots=True)
class Choice:
    """One choice so far. `unkept`: the number of characters that came and were not kept."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    audio: dict[str, object] = field(default_factory=dict)
    images: list[Json] = field(default_factory=list)
    finish_reason: str | None = None
    unkept: int = 0
    _speech: dict[str, list[str]] = field(default_factory=dict)
    _latest_by_index: dict[int, ToolCall] = field(default_factory=dict)

    def add(self, delta: ChoiceDelta) -> int:
        """Add what one chunk contains; about how many bytes of memory it takes."""
        taken = _PIECE_BYTES
        if delta.text:
            self.text.append(delta.text)
            taken += len(delta.text)
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)
            taken += len(delta.reasoning)
        if delta.refusal:
            self.refusal.append(delta.refusal)
            taken += len(delta.refusal)
        for part in delta.tool_calls:
            self._add_tool_call(part)
            taken += 2 * _PIECE_BYTES + len(part.arguments)
        if delta.audio is not None:
            self._add_audio(delta.audio)
            taken += size_of(delta.audio)
        if delta.images:
            self.images.extend(delta.images)
            taken += size_of(delta.images)
        self.finish_reason = delta.finish_reason or self.finish_reason
        return taken

    def count(self, delta: ChoiceDelta) -> None:
        """Count what one chunk contains, without keeping it."""
        calls = sum(len(part.name or "") + len(part.arguments) for part in delta.tool_calls)
        self.unkept += len(delta.text) + len(delta.reasoning) + len(delta.refusal) + calls
        self.finish_reason = delta.finish_reason or self.finish_reason

    @property
    def characters(self) -> int:
        """The number of characters so far, kept or not."""
        texts = (self.text, self.reasoning, self.refusal, *(call.parts for call in self.tool_calls))
        names = sum(len(call.name) for call in self.tool_calls)
        return (
            self.unkept
            + names
            + sum(map(len, self._speech.get("transcript", ())))
            + sum(sum(map(len, pieces)) for pieces in texts)
        )

    def message(self) -> dict[str, object]:
        """The choice as an assistant message in OpenAI's shape."""
        message: dict[str, object] = {"role": "assistant", "content": "".join(self.text) or None}
        if reasoning := "".join(self.reasoning):
            message["reasoning_content"] = reasoning
        if refusal := "".join(self.refusal):
            message["refusal"] = refusal
        if self.tool_calls:
            message["tool_calls"] = [
                {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.tool_calls
            ]
        if self.audio:
            message["audio"] = self.audio | {name: "".join(pieces) for name, pieces in self._speech.items()}
        if self.images:
            message["images"] = list(self.images)
        return message

    def _add_audio(self, audio: Json) -> None:
        for name, value in audio.items():
            if name in ("data", "transcript") and isinstance(value, str):  # both grow in parts
                self._speech.setdefault(name, []).append(value)
                value = ""  # noqa: PLW2901 - in its place among the names
            self.audio[name] = value

    def _add_tool_call(self, part: ToolCallDelta) -> None:
        call = self._latest_by_index.get(part.index)
        if call is None or call.is_another(part):
            if len(self.tool_calls) >= MAX_TOOL_CALLS:
                self.unkept += len(part.name or "") + len(part.arguments)
                return
            call = self._latest_by_index[part.index] = ToolCall()
            self.tool_calls.append(call)
        call.call_id = part.call_id or call.call_id
        call.name = call.name or part.name or ""  # some providers repeat it in every part
        if part.arguments:
            call.parts.append(part.arguments)


class Transcript:
    """The content of one answer. Later usage replaces earlier usage, since repeated usage is a running total.

    A later service tier replaces an earlier one: some providers tell the one that was asked for first.

    `is_cut`: more came than is kept. Its characters are counted, and finish reasons and usage are kept all the same.
    """

    __slots__ = ("_room", "choices", "completion_id", "is_cut", "is_useful", "model", "service_tier", "usage")

    def __init__(self) -> None:
        self._room = MAX_TRANSCRIPT_BYTES
        self.is_cut = False
        self.choices: dict[int, Choice] = {}
        self.usage: Json | None = None
        self.completion_id: str | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.is_useful = False

    def add(self, delta: Delta) -> None:
        """Add one chunk, or one whole completion."""
        if self.completion_id is None and delta.completion_id is not None:
            self.completion_id = delta.completion_id[:MAX_ANSWER_NAME_CHARACTERS]
        if self.model is None and delta.model is not None:
            self.model = delta.model[:MAX_ANSWER_NAME_CHARACTERS]
        self.service_tier = delta.service_tier or self.service_tier
        if delta.usage and (self.usage is None or _counts(delta.usage)):  # zeros after a count are a filler
            self.usage = delta.usage
        self.is_useful = self.is_useful or delta.is_useful
        for part in delta.choices:
            choice = self.choices.get(part.index)
            if choice is None:
                if len(self.choices) >= MAX_CHOICES:
                    self.is_cut = True
                    continue
                choice = self.choices[part.index] = Choice()
            if self._room > 0:
                self._room -= choice.add(part)
            else:
                choice.count(part)
                self.is_cut = True

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first choice, None until it has ended."""
        return self.choices[min(self.choices)].finish_reason if self.choices else None

    @property
    def characters(self) -> int:
        """The number of characters produced, including reasoning and tool calls."""
        return sum(choice.characters for choice in self.choices.values())

    def completion(self) -> dict[str, object]:
        """The answer as one `chat.completion` object in OpenAI's shape."""
        return {
            "id": self.completion_id,
            "object": "chat.completion",
            "model": self.model,
            "choices": [
                {"index": index, "message": choice.message(), "finish_reason": choice.finish_reason}
                for index, choice in sorted(self.choices.items())
            ],
            "usage": self.usage,
        }


def assemble(stream: bytes) -> Transcript:
    """The transcript of a recorded event stream; events that are not JSON objects are skipped."""
    splitter, transcript = EventSplitter(), Transcript()
    events = splitter.feed(stream)
    if (last := splitter.finish()) is not None:
        events.append(last)
    transcript.is_cut = splitter.left_out is not None
    for event in events:
        if event.data is None or event.data == DONE:
            continue
        try:
            transcript.add(read_chunk(event.data))
        except ValueError:
            continue
    return transcript


def _counts(usage: Json) -> bool:
    return any(value for value in usage.values() if not isinstance(value, dict))
