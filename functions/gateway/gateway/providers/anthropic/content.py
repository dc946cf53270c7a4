"""The contents of messages, from Chat Completions to Anthropic's blocks. No empty text: Anthropic refuses it."""

import re
from collections.abc import Callable, Iterator

from switchboard.stream.deltas import Json

type Block = dict[str, object]
type Say = Callable[[str], None]

_DATA_URL = re.compile(r"data:(?P<media_type>image/(?:jpeg|png|gif|webp));base64,(?P<data>.+)", re.DOTALL)
_TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}


def text_block(text: str) -> Block:
    """A block of text."""
    return {"type": "text", "text": text}


def text_blocks(content: object, say: Say) -> list[Block]:
    """The text of a content: a string, an array of parts, or null. What is no text is left out, and said."""
    blocks = list(user_blocks(content, say))
    if any(block["type"] != "text" for block in blocks):
        say("left out an image that is not a user's")
    return [block for block in blocks if block["type"] == "text"]


def user_blocks(content: object, say: Say) -> Iterator[Block]:
    """Text and images of a content, in their order."""
    parts = content if isinstance(content, list) else [content]
    for part in parts:
        if isinstance(part, str):
            yield from _text(part)
        elif isinstance(part, dict):
            yield from _part(part, say)
        elif part is not None:
            say("left out a content that is neither text nor parts")


def plain_text(content: object, say: Say) -> str:
    """The text of a content as one string."""
    return "\n".join(str(block["text"]) for block in text_blocks(content, say))


def _part(part: Json, say: Say) -> Iterator[Block]:
    kind = part.get("type")
    if (name := _TEXT_PARTS.get(str(kind))) is not None:
        yield from _text(part.get(name))
    elif kind == "image_url" and (source := _image_source(part.get("image_url"))) is not None:
        yield {"type": "image", "source": source}
    else:
        say(f"left out a content part of type {str(kind)[:32]}")


def _text(text: object) -> Iterator[Block]:
    if isinstance(text, str) and text.strip():
        yield text_block(text)


def _image_source(image: object) -> Block | None:
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str):
        return None
    if (inline := _DATA_URL.fullmatch(url)) is not None:
        return {"type": "base64", "media_type": inline["media_type"], "data": inline["data"]}
    return {"type": "url", "url": url} if url.startswith("https://") else None
