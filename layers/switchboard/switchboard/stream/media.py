"""Reads the parts of an answer that are neither text nor tool calls: audio and images."""

from collections.abc import Mapping

IMAGE_PARTS = frozenset({"image_url", "image", "output_image"})
"""Types of content parts that are images."""

type Json = Mapping[str, object]


def read_audio(value: object) -> Json | None:
    """Speech, or its transcript; None for an object whose fields are empty, as some servers send with every answer."""
    return value if isinstance(value, dict) and (value.get("data") or value.get("transcript")) else None


def read_images(delta: Json) -> list[Json]:
    """Images under `images` (OpenRouter), or among the parts of the content."""
    found = delta.get("images")
    images: list[Json] = [image for image in found if isinstance(image, dict)] if isinstance(found, list) else []
    content = delta.get("content")
    parts = content if isinstance(content, list) else []
    return images + [part for part in parts if isinstance(part, dict) and part.get("type") in IMAGE_PARTS]
