"""The row of a twin: its URL, what it refuses and how, the form of its answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from testkit.twins.reply import Counts

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused. `code`, `type` and `param` have the provider's own values."""

    status: int
    message: str
    code: str | None = None
    type: str = "invalid_request_error"
    param: str | None = None


type Rule = Callable[[Json], Refusal | None]
"""Checks a request body; None means that it is accepted."""

type ErrorBody = Callable[[Refusal], object]
"""A refusal in the provider's own shape."""


class Thinking(Enum):
    """Where a dialect puts a model's reasoning."""

    REASONING_CONTENT = "`delta.reasoning_content`"
    REASONING = "`delta.reasoning`"
    TAGS = "`<think>…</think>` in `delta.content`"
    PARTS = "parts of type `thinking` in `delta.content`"
    BLOCKS = "blocks of type `thinking`"
    HIDDEN = "nowhere; it is counted in the usage only"


class UsagePlace(Enum):
    """Where a stream sends its usage."""

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
    """OpenAI's counters: cached tokens are part of the prompt's count, reasoning of the completion's."""
    completion = counts.spoken + counts.reasoning
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": completion,
        "total_tokens": counts.prompt + completion,
        "prompt_tokens_details": {"cached_tokens": counts.cached},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
    }


def plain_usage(counts: Counts) -> Json:
    """The three counters that every provider has."""
    completion = counts.spoken + counts.reasoning
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": completion,
        "total_tokens": counts.prompt + completion,
    }


def bearer(headers: Mapping[str, str]) -> str | None:
    """The key from the header that most providers use."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme == "Bearer" else None


def same(chunk: Json) -> Json:
    """A chunk as OpenAI writes it."""
    return chunk


@dataclass(frozen=True, slots=True)
class Dialect:
    """One twin's row. The defaults are OpenAI's documented behaviour.

    `provider` is the name that is billed; `base_url` is the URL that callers give, `headers` what they send with it;
    `path` is where calls must arrive (with its query). `rules` are checked in order; other `models` are unknown.
    `preamble` and `comments` come before the first text; `chunk`, `message` and `tool_call` change OpenAI's shape.
    `reports_cache`, `reports_reasoning`: whether the usage has these counts (else they are part of the others).
    `thinker` is the model for tests of reasoning, where it is another than the first.
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
    reports_cache: bool = True
    reports_reasoning: bool = True
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
        """The model for tests of reasoning."""
        return self.thinker or self.model

    @property
    def model(self) -> str:
        """The model that tests call by default."""
        return self.models[0]

    def write(self, refusal: Refusal) -> bytes:
        """The refusal's body."""
        return json.dumps(self.error(refusal)).encode()
