"""Anthropic's prompt cache: entries match by equal marked prefixes, minimum length and age.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from testkit.twins.dialect import Json

LIFETIMES_S = {"5m": 300.0, "1h": 3600.0}
LOOK_BACK_BLOCKS = 20
CHARACTERS_PER_TOKEN = 4

_CACHEABLE_FROM = (
    ("claude-haiku-4-5", 4096),
    ("claude-opus-4-5", 4096),
    ("claude-opus-4-6", 4096),
    ("claude-opus-4-7", 2048),
    ("claude-3-5-haiku", 2048),
    ("claude-3-haiku", 2048),
)


def cacheable_from(model: str) -> int:
    """The minimum length of a cached prefix, in tokens."""
    return next((tokens for start, tokens in _CACHEABLE_FROM if model.startswith(start)), 1024)


@dataclass(frozen=True, slots=True)
class _Place:
    """The end of one block: a hash of the prompt up to it, its length in tokens, the lifetime of its mark, if any."""

    prefix: str
    tokens: int
    marked: str | None


class PromptCache:
    """The entries written so far and when each expires. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, float]] = {}

    def count_prompt(self, body: Json, least_tokens: int) -> Json:
        """The prompt's counts in the usage of this request; entries are read, renewed and written."""
        places = list(_places(body))
        marks = [place for place in places if place.marked is not None and place.tokens >= least_tokens]
        read = max((self._read(places, mark) for mark in marks), default=0)
        written = dict.fromkeys(LIFETIMES_S, 0)
        covered = read
        for mark in marks:
            lifetime = mark.marked or "5m"
            self._keep(mark.prefix, LIFETIMES_S[lifetime])
            written[lifetime] += max(0, mark.tokens - covered)
            covered = max(covered, mark.tokens)
        return {
            "input_tokens": places[-1].tokens - covered,
            "cache_creation_input_tokens": sum(written.values()),
            "cache_read_input_tokens": read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": written["5m"],
                "ephemeral_1h_input_tokens": written["1h"],
            },
            "service_tier": "standard",
        }

    def _read(self, places: list[_Place], mark: _Place) -> int:
        """The longest prefix still kept at a mark or within the blocks before it; reading renews it."""
        end = places.index(mark) + 1
        for place in reversed(places[max(0, end - LOOK_BACK_BLOCKS) : end]):
            until_s, lifetime_s = self._kept.get(place.prefix, (-math.inf, 0.0))
            if until_s > self._clock():
                self._keep(place.prefix, lifetime_s)
                return place.tokens
        return 0

    def _keep(self, prefix: str, lifetime_s: float) -> None:
        self._kept[prefix] = (self._clock() + lifetime_s, lifetime_s)


def tokens_of(text: str) -> int:
    """The length of a text in tokens, estimated from its characters."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def _places(body: Json) -> Iterator[_Place]:
    """Tools, then system, then messages. Settings that invalidate the messages' cache are hashed before them."""
    so_far, tokens = sha256(str(body["model"]).encode()), 0
    for label, block in _blocks(body):
        bare = {name: value for name, value in block.items() if name != "cache_control"}
        text = json.dumps(bare, ensure_ascii=False)
        so_far.update(f"{label}\0{text}\0".encode())
        tokens += tokens_of(text)
        mark = block.get("cache_control")
        yield _Place(so_far.hexdigest(), tokens, mark.get("ttl", "5m") if mark else None)


def _blocks(body: Json) -> Iterator[tuple[str, Json]]:
    for tool in body.get("tools", ()):
        yield "tool", tool
    for block in _listed(body.get("system", [])):
        yield "system", block
    settings = json.dumps([body.get("tool_choice"), body.get("thinking")])
    for message in body["messages"]:
        for block in _listed(message["content"]):
            yield f"{settings}\0{message['role']}", block


def _listed(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
