"""Buffer words: what a caller hears while the model is still thinking.

ElevenLabs speaks them at once, and joins what follows, where they end in an ellipsis and a space:
https://elevenlabs.io/docs/agents-platform/customization/llm/custom-llm
"""

import json

from gateway.domain.call import Call

ENDING = "... "


def spoken(words: str) -> str:
    """The words with the ending that lets speech flow on."""
    return words.rstrip(" .…") + ENDING


def chunk(call: Call, words: str) -> bytes:
    """The words as one event of OpenAI's shape."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": spoken(words)}, "finish_reason": None}
    event = {
        "id": f"chatcmpl-{call.trace_id}",
        "object": "chat.completion.chunk",
        "created": int(call.arrival.at.timestamp()),
        "model": call.chat.model,
        "choices": [choice],
    }
    return b"data: " + json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
