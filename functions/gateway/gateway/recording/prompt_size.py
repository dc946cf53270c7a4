"""Measures a prompt whose tokens no provider has counted."""

from dataclasses import dataclass

from gateway.domain.call import Chat

UNCOUNTED = "images, audio and files are not in the estimate"


@dataclass(frozen=True, slots=True)
class PromptSize:
    """The characters of a prompt's text and tools. `has_media`: it holds images, audio or files, which do not count.

    Providers count these by their own rules (size in pixels, seconds), and the length of their base64 says nothing.
    """

    characters: int
    has_media: bool


def measure(chat: Chat) -> PromptSize:
    """The size of a call's prompt."""
    characters, has_media = 0, False
    for message in chat.messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else (content,):
            text = _text(part)
            if text is not None:
                characters += len(text)
            else:
                has_media = has_media or bool(part)
        characters += _length(message.get("tool_calls")) + _length(message.get("function_call"))
        has_media = has_media or bool(message.get("audio"))
    return PromptSize(characters + _length(chat.others.get("tools")), has_media)


def _text(part: object) -> str | None:
    """A part's text; None where it is something else."""
    if isinstance(part, dict):
        part = next((part[name] for name in ("text", "refusal", "thinking") if name in part), None)
    return part if isinstance(part, str) else None


def _length(value: object) -> int:
    return len(repr(value)) if value else 0
