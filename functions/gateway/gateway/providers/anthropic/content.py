"""Converts message contents of Chat Completions to Anthropic's blocks, without empty text, which Anthropic refuses."""

import re
from collections.abc import Callable, Iterator

from switchboard.domain.limits import clipped
from switchboard.stream.deltas import Json

type Block = dict[str, object]
type Note = Callable[[str], None]
"""Notes on the trace what was changed."""

_DATA_URL = re.compile(r"data:(?P<media_type>image/(?:jpeg|png|gif|webp));base64,(?P<data>.+)", re.DOTALL)
_TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}


def text_block(text: str) -> Block:
    """A block of text."""
    return {"type": "text", "text": text}


def mark_of(holder: Json) -> Block:
    """The caller's own mark for the prompt cache, if there is a valid one."""
    mark = holder.get("cache_control")
    if not isinstance(mark, dict) or mark.get("type") != "ephemeral" or mark.get("ttl", "5m") not in ("5m", "1h"):
        return {}
    return {"cache_control": {name: mark[name] for name in ("type", "ttl") if name in mark}}


def text_blocks(content: object, note: Note) -> list[Block]:
    """The text of a content: a string, an array of parts, or null. What is not text is left out, with a note."""
    blocks = list(user_blocks(content, note))
    if any(block["type"] != "text" for block in blocks):
        note("left out an image that is not a user's")
    return [block for block in blocks if block["type"] == "text"]


def user_blocks(content: object, note: Note) -> Iterator[Block]:
    """The text and images of a content, in order."""
    parts = content if isinstance(content, list) else [content]
    for part in parts:
        if isinstance(part, str):
            yield from _text(part)
        elif isinstance(part, dict):
            yield from _part(part, note)
        elif part is not None:
            note("left out a content that is neither text nor parts")


def _part(part: Json, note: Note) -> Iterator[Block]:
    kind = part.get("type")
    if (name := _TEXT_PARTS.get(str(kind))) is not None:
        for block in _text(part.get(name)):
            yield block | mark_of(part)
    elif kind == "image_url" and (source := _image_source(part.get("image_url"))) is not None:
        yield {"type": "image", "source": source} | mark_of(part)
    else:
        note(f"left out a content part of type {clipped(str(kind), 32)}")


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
