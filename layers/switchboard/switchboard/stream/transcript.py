"""Accumulates deltas: text, reasoning, tool calls, the finish reason, and usage as the provider sent it."""

from dataclasses import dataclass, field

from switchboard.stream.deltas import DONE, ChoiceDelta, Delta, Json, ToolCallDelta, read_chunk
from switchboard.stream.sse import EventSplitter


@dataclass(slots=True)
class ToolCall:
    """A tool call assembled from its parts; `arguments` is JSON text as the model wrote it."""

    call_id: str | None = None
    name: str = ""
    arguments: str = ""

    def is_another(self, part: ToolCallDelta) -> bool:
        """Whether the part begins a different call with the same index: some providers do not number parallel calls."""
        # A new id alone is not enough: some servers send a new one with every part.
        return bool(part.name and part.call_id and self.call_id and part.call_id != self.call_id)


@dataclass(slots=True)
class Choice:
    """One choice so far."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    audio: dict[str, object] = field(default_factory=dict)
    images: list[Json] = field(default_factory=list)
    finish_reason: str | None = None
    _latest_by_index: dict[int, ToolCall] = field(default_factory=dict)

    def add(self, delta: ChoiceDelta) -> None:
        """Add what one chunk contains."""
        if delta.text:
            self.text.append(delta.text)
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)
        if delta.refusal:
            self.refusal.append(delta.refusal)
        for part in delta.tool_calls:
            self._add_tool_call(part)
        if delta.audio is not None:
            self._add_audio(delta.audio)
        self.images.extend(delta.images)
        self.finish_reason = delta.finish_reason or self.finish_reason

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
            message["audio"] = dict(self.audio)
        if self.images:
            message["images"] = list(self.images)
        return message

    def _add_audio(self, audio: Json) -> None:
        for name, value in audio.items():
            if name in ("data", "transcript") and isinstance(value, str):
                before = self.audio.get(name)
                value = (before if isinstance(before, str) else "") + value  # noqa: PLW2901 - both grow in parts
            self.audio[name] = value

    def _add_tool_call(self, part: ToolCallDelta) -> None:
        call = self._latest_by_index.get(part.index)
        if call is None or call.is_another(part):
            call = self._latest_by_index[part.index] = ToolCall()
            self.tool_calls.append(call)
        call.call_id = part.call_id or call.call_id
        call.name = call.name or part.name or ""  # some providers repeat it in every part
        call.arguments += part.arguments


class Transcript:
    """The content of one answer. Later usage replaces earlier usage, since repeated usage is a running total."""

    __slots__ = ("choices", "completion_id", "is_useful", "model", "usage")

    def __init__(self) -> None:
        self.choices: dict[int, Choice] = {}
        self.usage: Json | None = None
        self.completion_id: str | None = None
        self.model: str | None = None
        self.is_useful = False

    def add(self, delta: Delta) -> None:
        """Add one chunk, or one whole completion."""
        self.completion_id = self.completion_id or delta.completion_id
        self.model = self.model or delta.model
        self.usage = delta.usage or self.usage
        self.is_useful = self.is_useful or delta.is_useful
        for part in delta.choices:
            choice = self.choices.get(part.index)
            if choice is None:
                choice = self.choices[part.index] = Choice()
            choice.add(part)

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first choice, None until it has ended."""
        return self.choices[min(self.choices)].finish_reason if self.choices else None

    @property
    def characters(self) -> int:
        """The number of characters produced, including reasoning and tool calls."""
        return sum(
            sum(map(len, choice.text))
            + sum(map(len, choice.reasoning))
            + sum(map(len, choice.refusal))
            + len(str(choice.audio.get("transcript") or ""))
            + sum(len(call.name) + len(call.arguments) for call in choice.tool_calls)
            for choice in self.choices.values()
        )

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
    for event in events:
        if event.data is None or event.data == DONE:
            continue
        try:
            transcript.add(read_chunk(event.data))
        except ValueError:
            continue
    return transcript
