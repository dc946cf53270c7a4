"""The models that `GET /v1/models` lists: the ones ElevenLabs documents, with their limits in tokens.

Source: ElevenLabs' "Large Language Models" page. Any other model name works too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """A model, its provider, and its limits of input and output tokens."""

    name: str
    owner: str
    context_tokens: int
    output_tokens: int


MODELS = (
    Model("gemini-1.5-pro", "google", 2_097_152, 8_192),
    Model("gemini-1.5-flash", "google", 1_048_576, 8_192),
    Model("gemini-2.0-flash", "google", 1_048_576, 8_192),
    Model("gemini-2.0-flash-lite", "google", 1_048_576, 8_192),
    Model("gemini-2.5-flash", "google", 1_048_576, 65_535),
    Model("gpt-4o-mini", "openai", 128_000, 16_384),
    Model("gpt-4o", "openai", 128_000, 4_096),
    Model("gpt-4", "openai", 8_192, 8_192),
    Model("gpt-4-turbo", "openai", 128_000, 4_096),
    Model("gpt-4.1", "openai", 1_047_576, 32_768),
    Model("gpt-4.1-mini", "openai", 1_047_576, 32_768),
    Model("gpt-4.1-nano", "openai", 1_047_576, 32_768),
    Model("gpt-3.5-turbo", "openai", 16_385, 4_096),
    Model("claude-sonnet-4", "anthropic", 200_000, 64_000),
    Model("claude-3-7-sonnet", "anthropic", 200_000, 4_096),
    Model("claude-3-5-sonnet", "anthropic", 200_000, 4_096),
    Model("claude-3-5-sonnet-v1", "anthropic", 200_000, 4_096),
    Model("claude-3-0-haiku", "anthropic", 200_000, 4_096),
)

DEMO = Model("demo/echo", "demo", 1_000_000, 100_000)


def listing(*, with_demo: bool) -> dict[str, object]:
    """The list in OpenAI's format; the limits are in the fields that OpenAI-compatible servers use."""
    return {"object": "list", "data": [_described(model) for model in _models(with_demo=with_demo)]}


def description(name: str, *, with_demo: bool) -> dict[str, object] | None:
    """One model in OpenAI's format; None where it is not in the list."""
    found = (model for model in _models(with_demo=with_demo) if model.name == name)
    return next((_described(model) for model in found), None)


def _models(*, with_demo: bool) -> tuple[Model, ...]:
    return (DEMO, *MODELS) if with_demo else MODELS


def _described(model: Model) -> dict[str, object]:
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": model.owner,
        "context_window": model.context_tokens,
        "max_completion_tokens": model.output_tokens,
    }
