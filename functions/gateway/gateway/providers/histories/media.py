"""Normalises the parts of contents; those that a provider cannot take are refused, or replaced by a text.

A part of the last user turn is refused, because the question would be answered without it. In an earlier turn, where it
would make every later request fail, it is replaced by a text such as `[image left out]`.
"""

import re

from gateway.domain.codec import Draft
from gateway.domain.errors import BodyMalformed
from gateway.providers.histories.refusals import INSTRUCTIONS, ImageRule, Refusals
from switchboard.domain.limits import clipped
from switchboard.stream.deltas import Json

_TEXTS = {"text": "text", "input_text": "text", "output_text": "text"}
_OWN_WORDS = frozenset({"thinking", "redacted_thinking", "reasoning", "reference", "refusal"})
"""Parts of an assistant's own message that may be left out without a text in their place."""

_KINDS = {
    **dict.fromkeys(("image_url", "input_image", "image"), "image"),
    **dict.fromkeys(("input_audio", "audio_url", "audio"), "audio"),
    **dict.fromkeys(("video_url", "video"), "video"),
    **dict.fromkeys(("file", "input_file", "document_url", "document"), "file"),
}
_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?P<parameters>(?:;[^;,]*)*),", re.IGNORECASE)
_HEAD_CHARACTERS = 256
"""The media type and its parameters end within these; the data after them is never searched."""

_SAME_TYPES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}


def fit_parts(body: Draft, refuses: Refusals) -> None:
    """Normalise parts; refuse or replace those that are not taken. Raises BodyMalformed, which names the part."""
    last_turn: range | None = None
    for position, message in enumerate(body.messages):
        content = message.get("content")
        if type(content) is not list:
            continue
        if last_turn is None:
            last_turn = _last_user_turn(body.messages)
        parts = _Parts(body, refuses, message.get("role"), f"messages.{position}", is_last=position in last_turn)
        fitted = [kept for place, part in enumerate(content) if (kept := parts.fit(place, part)) is not None]
        if len(fitted) != len(content) or any(new is not old for new, old in zip(fitted, content, strict=True)):
            body.messages[position] = {**message, "content": fitted or None}


def normal_image_url(url: str) -> str:
    """The URL of an image; a data URL with its media type as registered, in lower case and without parameters."""
    head = url[:_HEAD_CHARACTERS]
    if (found := _DATA_URL.match(head)) is None:
        return url
    media_type = found["type"].lower()
    encoding = ";base64" if found["parameters"].lower().endswith(";base64") else ""
    return f"data:{_SAME_TYPES.get(media_type, media_type)}{encoding},{url[found.end() :]}"


class _Parts:
    """The parts of one message."""

    def __init__(self, body: Draft, refuses: Refusals, role: object, place: str, *, is_last: bool) -> None:
        self._body = body
        self._refuses = refuses
        self._role = role
        self._place = place
        self._is_refused = is_last and role == "user"

    def fit(self, place: int, part: object) -> object:
        """The part as it is sent; None where it is left out."""
        if not isinstance(part, dict):
            return part
        kind = part.get("type")
        if kind in ("text", None) or (self._refuses.parts is None and not isinstance(kind, str)):
            return part
        kind = str(kind)
        if kind in _TEXTS and self._refuses.parts is not None:
            self._body.note(f"sent a part of type {kind} as text")
            return {"type": "text", "text": part.get("text")}
        if kind == "image_url":
            part = self._normal_image(part)
        if self._is_taken(kind, part):
            return part
        if kind in _OWN_WORDS and self._role == "assistant":
            self._body.note(f"left out a content part of type {clipped(kind, 32)}")
            refusal = part.get("refusal")
            return {"type": "text", "text": refusal} if isinstance(refusal, str) else None
        return self._replaced(place, kind)

    def _normal_image(self, part: Json) -> Json:
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        if not isinstance(url, str) or (normal := normal_image_url(url)) == url:
            return part
        self._body.note("normalised the media type of an image")
        return {**part, "image_url": {**image, "url": normal} if isinstance(image, dict) else normal}

    def _is_taken(self, kind: str, part: Json) -> bool:
        refuses = self._refuses
        if refuses.parts is not None and kind not in refuses.parts:
            return False
        if kind == "refusal":
            return True
        if refuses.media_roles is not None and self._role not in refuses.media_roles and kind not in _OWN_WORDS:
            return False
        return kind != "image_url" or refuses.images is None or _is_image_taken(part.get("image_url"), refuses.images)

    def _replaced(self, place: int, kind: str) -> Json:
        what = _KINDS.get(kind, "part")
        if self._is_refused:
            name = f"{self._place}.content.{place}"
            raise BodyMalformed(f"`{name}` cannot be sent to this model: {self._taken_words(kind)}", param=name)
        self._body.note(f"left out a content part of type {clipped(kind, 32)}")
        return {"type": "text", "text": f"[{what} left out]"}

    def _taken_words(self, kind: str) -> str:
        parts, images = self._refuses.parts, self._refuses.images
        if kind == "image_url" and images is not None and (parts is None or "image_url" in parts):
            types = ", ".join(sorted(images.types))
            schemes = " or ".join(f"{scheme}:" for scheme in sorted(images.schemes))
            return f"its provider takes images as base64 data of the types {types}, or from URLs with {schemes}."
        taken = ", ".join(sorted(parts or {"text"}))
        return f"its provider takes parts of the types {taken}. Leave the part out, or choose another model."


def _is_image_taken(image: object, rule: ImageRule) -> bool:
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str):
        return False
    head = url[:_HEAD_CHARACTERS]
    if head[:5].lower() != "data:":
        return head.partition(":")[0].lower() in rule.schemes
    found = _DATA_URL.match(head)
    return found is not None and found["type"] in rule.types and found["parameters"] == ";base64"


def _last_user_turn(messages: list[Json]) -> range:
    """The positions of the last message of the user's and of those directly before it."""
    last = next((n for n in range(len(messages) - 1, -1, -1) if messages[n].get("role") == "user"), None)
    if last is None:
        return range(0)
    first = last
    while first and messages[first - 1].get("role") in ("user", *INSTRUCTIONS):
        first -= 1
    return range(first, last + 1)
