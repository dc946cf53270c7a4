"""Makes the chat completion chunks for an Anthropic stream: the bytes for the caller, and their delta."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.domain.codec import AnswerEvent
from gateway.domain.json_text import write_json
from switchboard.stream.deltas import DONE, ChoiceDelta, Delta, ToolCallDelta

type Fields = dict[str, object]

FINISH_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def finish_reason(stop_reason: object, *, has_calls: bool) -> str:
    """OpenAI's finish reason for Anthropic's stop reason; for one that is not documented, that of a complete answer."""
    reason = FINISH_REASONS.get(str(stop_reason), "stop")
    return "tool_calls" if has_calls and reason == "stop" else reason


@dataclass(slots=True)
class Chunks:
    """Makes the chunks of one answer: id, model and time are the same in all of them."""

    completion_id: str
    model: str
    created_s: int

    def role(self, prompt: Fields | None) -> AnswerEvent:
        """The first chunk; `prompt` is the usage so far, for the trace alone: the caller's chunk has none."""
        first = self._event({"role": "assistant", "content": ""}, ChoiceDelta())
        return replace(first, delta=replace(first.delta, usage=prompt)) if first.delta is not None else first

    def text(self, text: str) -> AnswerEvent:
        """A piece of the text."""
        return self._event({"content": text}, ChoiceDelta(text=text))

    def reasoning(self, text: str) -> AnswerEvent:
        """A piece of the reasoning."""
        return self._event({"reasoning_content": text}, ChoiceDelta(reasoning=text))

    def tool_call(self, index: int, call_id: str, name: str) -> AnswerEvent:
        """The beginning of a tool call."""
        call = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        return self._event({"tool_calls": [call]}, ChoiceDelta(tool_calls=(ToolCallDelta(index, call_id, name),)))

    def arguments(self, index: int, fragment: str) -> AnswerEvent:
        """A fragment of a tool call's arguments."""
        call = {"index": index, "function": {"arguments": fragment}}
        delta = ToolCallDelta(index, arguments=fragment)
        return self._event({"tool_calls": [call]}, ChoiceDelta(tool_calls=(delta,)))

    def finish(self, reason: str) -> AnswerEvent:
        """The chunk with the finish reason."""
        return self._event({}, ChoiceDelta(finish_reason=reason), reason)

    def usage(self, usage: Fields) -> AnswerEvent:
        """The token counts."""
        raw = self._serialise({"choices": [], "usage": usage})
        return AnswerEvent(raw, Delta(usage=usage, completion_id=self.completion_id, model=self.model))

    def _event(self, fields: Fields, choice: ChoiceDelta, reason: str | None = None) -> AnswerEvent:
        raw = self._serialise({"choices": [{"index": 0, "delta": fields, "finish_reason": reason}]})
        return AnswerEvent(raw, Delta(choices=(choice,), completion_id=self.completion_id, model=self.model))

    def _serialise(self, fields: Fields) -> bytes:
        envelope: Fields = {
            "id": self.completion_id,
            "object": "chat.completion.chunk",
            "created": self.created_s,
            "model": self.model,
        }
        return b"data: " + write_json(envelope | fields) + b"\n\n"


END = AnswerEvent(b"data: " + DONE + b"\n\n", is_done=True)
