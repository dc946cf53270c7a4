"""What the caller and the trace get of an answer of the provider's, without the network."""

import json
from typing import Any

from openai.types.chat import ChatCompletionChunk

from gateway.domain.clock import Clock
from gateway.domain.codec import AnswerContext, WholeAnswer
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.relay.stream import Stream
from switchboard.stream.sse import EventSplitter
from switchboard.stream.transcript import Transcript
from testkit.openai_events import completion, event

ANSWER_ID = "019a0000000070008000000000000001"
ASKED_AT_S = 1_795_000_000


def context(model: str = "requested-model", *, wants_usage: bool = False) -> AnswerContext:
    """The context of a call to that model."""
    return AnswerContext(model, ANSWER_ID, ASKED_AT_S, wants_usage, SignatureMemory(Clock()))


class StreamedAnswer:
    """A stream as the caller receives it and as the trace records it."""

    def __init__(
        self, stream: bytes, provider: str = "generic", model: str = "requested-model", *, wants_usage: bool = False
    ) -> None:
        self.notes: list[str] = []
        reader = table.by_dialect(provider).make_reader(context(model, wants_usage=wants_usage))
        self.stream = Stream(reader, Transcript(), wants_usage, self.notes)
        self.raw = self.stream.feed(stream) + self.stream.finish()
        self.transcript = self.stream.transcript
        data = [found.data for found in EventSplitter().feed(self.raw)]
        self.chunks = [json.loads(found) for found in data if found and found != b"[DONE]"]
        for found in self.chunks:
            ChatCompletionChunk.model_validate(found, strict=True)

    @property
    def content(self) -> str:
        """The content of all chunks."""
        return "".join(delta.get("content") or "" for delta in self.deltas)

    @property
    def reasoning(self) -> str:
        """The reasoning of all chunks."""
        return "".join(delta.get("reasoning_content") or "" for delta in self.deltas)

    @property
    def deltas(self) -> list[dict[str, Any]]:
        """Every delta."""
        return [choice["delta"] for found in self.chunks for choice in found["choices"]]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every part of a tool call."""
        return [call for delta in self.deltas for call in delta.get("tool_calls") or []]


def bare(choice: dict[str, Any], **others: Any) -> bytes:
    """A chunk with that choice, without id, model or time."""
    return event({"choices": [choice], **others})


def whole(message: dict[str, Any], provider: str = "generic", **choice: Any) -> WholeAnswer:
    """What is read of a whole answer with that message."""
    body = completion(None)
    body["choices"] = [{"index": 0, "finish_reason": "stop", **choice, "message": {"role": "assistant", **message}}]
    return table.by_dialect(provider).read_answer(json.dumps(body).encode(), context())
