"""Chat completion chunks for what an Anthropic stream says: the bytes for the caller, and the delta they mean."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic_core import to_json

from gateway.domain.codec import Piece
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


def finish_reason(stop_reason: object) -> str:
    """OpenAI's word for why an answer ended; `stop` for a reason that is not documented."""
    return FINISH_REASONS.get(str(stop_reason), "stop")


@dataclass(slots=True)
class Chunks:
    """Makes the chunks of one answer: id, model and time are the same in all of them."""

    completion_id: str
    model: str
    created_s: int

    def role(self, prompt: Fields | None) -> Piece:
        """The first chunk; `prompt` is what the stream has told of the prompt's tokens, for the trace alone."""
        first = self._piece({"role": "assistant", "content": ""}, ChoiceDelta())
        return replace(first, delta=replace(first.delta, usage=prompt)) if first.delta is not None else first

    def text(self, text: str) -> Piece:
        """Something to speak."""
        return self._piece({"content": text}, ChoiceDelta(text=text))

    def reasoning(self, text: str) -> Piece:
        """A thought, never spoken."""
        return self._piece({"reasoning_content": text}, ChoiceDelta(reasoning=text))

    def tool_call(self, index: int, call_id: str, name: str) -> Piece:
        """The beginning of a tool call."""
        call = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        return self._piece({"tool_calls": [call]}, ChoiceDelta(tool_calls=(ToolCallDelta(index, call_id, name),)))

    def arguments(self, index: int, fragment: str) -> Piece:
        """A fragment of a tool call's arguments."""
        call = {"index": index, "function": {"arguments": fragment}}
        delta = ToolCallDelta(index, arguments=fragment)
        return self._piece({"tool_calls": [call]}, ChoiceDelta(tool_calls=(delta,)))

    def finish(self, reason: str) -> Piece:
        """Why it ended."""
        return self._piece({}, ChoiceDelta(finish_reason=reason), reason)

    def usage(self, usage: Fields) -> Piece:
        """The token counts."""
        raw = self._event({"choices": [], "usage": usage})
        return Piece(raw, Delta(usage=usage, completion_id=self.completion_id, model=self.model))

    def _piece(self, fields: Fields, choice: ChoiceDelta, reason: str | None = None) -> Piece:
        raw = self._event({"choices": [{"index": 0, "delta": fields, "finish_reason": reason}]})
        return Piece(raw, Delta(choices=(choice,), completion_id=self.completion_id, model=self.model))

    def _event(self, fields: Fields) -> bytes:
        envelope: Fields = {
            "id": self.completion_id,
            "object": "chat.completion.chunk",
            "created": self.created_s,
            "model": self.model,
        }
        return b"data: " + to_json(envelope | fields) + b"\n\n"


END = Piece(b"data: " + DONE + b"\n\n", is_done=True)
