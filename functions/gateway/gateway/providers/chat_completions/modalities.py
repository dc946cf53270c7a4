"""Splits the prompt's and the answer's count by what was counted: text, audio or images.

OpenAI and most others tell counts in an object (`audio_tokens`, `image_tokens`); Google in a list of modalities
(`{"modality": "AUDIO", "tokenCount": 9}`), in names of one or the other kind.
https://developers.openai.com/api/reference/resources/chat · https://ai.google.dev/api/generate-content#UsageMetadata
"""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.domain.json_text import count_field, text_field
from switchboard.domain.usage import Tokens
from switchboard.stream.deltas import Json

_PROMPT = ("prompt_tokens_details", "prompt_token_details", "input_tokens_details", "promptTokensDetails")
_CACHED = ("cached_tokens_details", "cache_tokens_details", "cacheTokensDetails")
_ANSWER = ("completion_tokens_details", "output_tokens_details", "candidates_tokens_details", "candidatesTokensDetails")
_AUDIO = "audio"
_IMAGES = frozenset({"image", "video"})
_COUNTS = ("tokenCount", "token_count")


class _Media(NamedTuple):
    """Tokens of audio, and of images and video."""

    audio: int
    images: int

    def within(self, whole: int) -> "_Media":
        """No more than a count of which they are a part."""
        audio = min(self.audio, whole)
        return _Media(audio, min(self.images, whole - audio))


def split(usage: Json, prompt: int, output: int, *, read: int, written: int, reasoning: int) -> Tokens:
    """The disjoint classes of a prompt, of which `read` came from the cache and `written` into it, and of an answer.

    Where it is not told what was read from the cache, it was text, as far as there is enough.
    """
    media, said = _told(usage, _PROMPT).within(prompt), _told(usage, _ANSWER).within(output)
    text, text_output = prompt - media.audio - media.images, output - said.audio - said.images
    text_read, media_read = _from_cache(usage, min(prompt, read), text, media)
    text_written = min(text - text_read, written)
    return Tokens(
        fresh_input=text - text_read - text_written,
        output=text_output,
        cache_read=text_read,
        cache_write_5m=text_written,
        reasoning=min(text_output, reasoning),
        audio_input=media.audio - media_read.audio,
        audio_cache_read=media_read.audio,
        audio_output=said.audio,
        image_input=media.images - media_read.images,
        image_cache_read=media_read.images,
        image_output=said.images,
    )


def _from_cache(usage: Json, cached: int, text: int, media: _Media) -> tuple[int, _Media]:
    """How much of the text, and of the media, came from the cache: `cached` in all."""
    told = _told(usage, _CACHED, within=_PROMPT).within(cached)
    audio, images = min(media.audio, told.audio), min(media.images, told.images)
    of_text = min(text, cached - audio - images)
    audio, rest = _filled(audio, media.audio, cached - audio - images - of_text)
    images, _ = _filled(images, media.images, rest)
    return of_text, _Media(audio, images)


def _filled(count: int, most: int, rest: int) -> tuple[int, int]:
    """The count with as much of the rest as it takes, and what is then left."""
    more = min(most - count, rest)
    return count + more, rest - more


def _told(usage: Json, names: tuple[str, ...], within: tuple[str, ...] = ()) -> _Media:
    """The counts under the first of these names that tells any, in the usage or in an object of details in it."""
    holders = [usage, *(inner for name in within if isinstance(inner := usage.get(name), dict))]
    found = (_media(holder.get(name)) for holder in holders for name in names if name in holder)
    return next((media for media in found if any(media)), _Media(0, 0))


def _media(details: object) -> _Media:
    counts = list(_counts(details))
    return _Media(
        sum(count for kind, count in counts if kind == _AUDIO),
        sum(count for kind, count in counts if kind in _IMAGES),
    )


def _counts(details: object) -> Iterator[tuple[str, int]]:
    if isinstance(details, dict):
        for kind in (_AUDIO, *sorted(_IMAGES)):
            yield kind, count_field(details, f"{kind}_tokens") or 0
    elif isinstance(details, list):
        for part in details:
            if isinstance(part, dict):
                count = next((count for name in _COUNTS if (count := count_field(part, name))), 0)
                yield text_field(part, "modality").lower(), count
