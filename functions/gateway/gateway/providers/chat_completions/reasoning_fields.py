"""Reasoning that providers send under another name, or as content that they mark."""

from gateway.domain.json_text import object_field
from gateway.providers.chat_completions.message_shapes import put

type Fields = dict[str, object]


def rename_reasoning(delta: Fields) -> bool:
    """Rename `reasoning` (OpenRouter, Groq, Cerebras, Together, vLLM)."""
    reasoning = delta.get("reasoning")
    if not isinstance(reasoning, str) or not reasoning:
        return False
    del delta["reasoning"]
    if not delta.get("reasoning_content"):
        delta["reasoning_content"] = reasoning
    return True


def is_thought(delta: Fields, part: str) -> bool:
    """Whether Gemini marks a chunk's content as a thought. It marks a whole message that only begins with one too."""
    if part != "delta" or "extra_content" not in delta:
        return False
    return object_field(object_field(delta, "extra_content"), "google").get("thought") is True


def move_thought(delta: Fields) -> bool:
    """Move a thought out of the content; whether there was one."""
    content = delta.get("content")
    if not isinstance(content, str) or not content:
        return False
    delta["content"] = ""
    put(delta, content, "")
    return True
