"""One row for each twin: where it listens, what it refuses and how, how it writes its answers down."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from testkit.twins.reply import Counts

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered. `code`, `type` and `param` are the provider's own words."""

    status: int
    message: str
    code: str | None = None
    type: str = "invalid_request_error"
    param: str | None = None


type Rule = Callable[[Json], Refusal | None]
"""Looks at a request body; None means that it has nothing against it."""

type ErrorBody = Callable[[Refusal], object]
"""A refusal in the provider's own shape."""


class Thinking(Enum):
    """Where a dialect puts a model's reasoning."""

    REASONING_CONTENT = "`delta.reasoning_content`"
    REASONING = "`delta.reasoning`"
    TAGS = "`<think>…</think>` in `delta.content`"
    PARTS = "parts of type `thinking` in `delta.content`"
    BLOCKS = "blocks of type `thinking`"
    HIDDEN = "nothing; it shows in the usage alone"


class UsagePlace(Enum):
    """Where a stream tells its usage."""

    OWN_CHUNK_IF_ASKED = "a chunk of its own (`choices: []`), when asked for"
    OWN_CHUNK = "a chunk of its own (`choices: []`), always"
    LAST_CHUNK = "the chunk that ends the choice, always"
    EVERY_CHUNK = "every chunk, cumulative"
    MESSAGES = "`message_start` and `message_delta`"
    X_GROQ = "`x_groq.usage` of the chunk that ends the choice; when asked for, in a chunk of its own too"


def openai_error(refusal: Refusal) -> object:
    """OpenAI's shape, which most providers use."""
    return {
        "error": {
            "message": refusal.message,
            "type": refusal.type,
            "param": refusal.param,
            "code": refusal.code,
        }
    }


def openai_usage(counts: Counts) -> Json:
    """OpenAI's counters: cached tokens lie within the prompt's, reasoning within the completion's."""
    completion = counts.spoken + counts.reasoning
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": completion,
        "total_tokens": counts.prompt + completion,
        "prompt_tokens_details": {"cached_tokens": counts.cached},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
    }


def plain_usage(counts: Counts) -> Json:
    """The three counters that everybody has."""
    completion = counts.spoken + counts.reasoning
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": completion,
        "total_tokens": counts.prompt + completion,
    }


def bearer(headers: Mapping[str, str]) -> str | None:
    """The key as most providers want it."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme == "Bearer" else None


def same(chunk: Json) -> Json:
    """A chunk as OpenAI writes it."""
    return chunk


@dataclass(frozen=True, slots=True)
class Dialect:
    """One twin's row. What is not said is as OpenAI documents it.

    `provider` is who bills the call; `base_url` is what people paste, `headers` what they send
    beside it; `path` is where calls must arrive (with its
    query). `rules` refuse, in their order; `models` are the only ones there are. `preamble` and `comments` come before
    the first words; `chunk`, `message` and `tool_call` bend OpenAI's shape. `tells_cache` and `tells_reasoning`:
    whether the usage shows these counts (where it does not, they lie in the others).
    """

    name: str
    provider: str
    host: str
    base_url: str
    path: str
    models: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    key_of: Callable[[Mapping[str, str]], str | None] = bearer
    rules: tuple[Rule, ...] = ()
    error: ErrorBody = openai_error
    in_band_error: Callable[[Refusal], object] | None = None
    wrong_key: Refusal = Refusal(401, "Incorrect API key provided.", "invalid_api_key")
    wrong_path: Refusal = Refusal(404, "Not Found")
    unknown_model: Callable[[str], Refusal] = lambda model: Refusal(
        404, f"The model `{model}` does not exist or you do not have access to it.", "model_not_found", param="model"
    )
    overloaded: Refusal = Refusal(
        503, "The engine is currently overloaded, please try again later.", type="server_error"
    )
    usage: Callable[[Counts], Json] = openai_usage
    tells_cache: bool = True
    tells_reasoning: bool = True
    usage_place: UsagePlace = UsagePlace.OWN_CHUNK_IF_ASKED
    thinking: Thinking = Thinking.HIDDEN
    thinker: str | None = None
    begins_with_role: bool = True
    comments: tuple[bytes, ...] = ()
    preamble: tuple[Json, ...] = ()
    chunk: Callable[[Json], Json] = same
    message: Callable[[Json], Json] = same
    whole_tool_calls: bool = False
    tool_call: Callable[[Json, int], Json] = lambda call, _number: call
    call_id: Callable[[int], str | None] = lambda number: f"call_{number:024d}"
    tool_finish: str = "tool_calls"

    @property
    def thinking_model(self) -> str:
        """The model that the tests have think."""
        return self.thinker or self.model

    @property
    def model(self) -> str:
        """The model that the tests call, unless they say otherwise."""
        return self.models[0]

    def write(self, refusal: Refusal) -> bytes:
        """The refusal's body."""
        return json.dumps(self.error(refusal)).encode()
