"""Buffer words: a short text that is streamed while no target has answered.

If it ends in an ellipsis and a space, ElevenLabs speaks it at once and continues with the answer:
https://elevenlabs.io/docs/agents-platform/customization/llm/custom-llm
"""

import json

from gateway.domain.call import Call

ENDING = "... "


def with_ellipsis(words: str) -> str:
    """The words ending in an ellipsis and a space."""
    return words.rstrip(" .…") + ENDING


def chunk(call: Call, words: str) -> bytes:
    """The words as one event in OpenAI's format."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": with_ellipsis(words)}, "finish_reason": None}
    event = {
        "id": f"chatcmpl-{call.trace_id}",
        "object": "chat.completion.chunk",
        "created": int(call.arrival.at.timestamp()),
        "model": call.chat.model,
        "choices": [choice],
    }
    return b"data: " + json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
