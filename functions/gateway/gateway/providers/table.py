"""The table of providers, and the three ways to find one: by name, by host, by a model's name."""

from gateway.providers.anthropic import row as anthropic
from gateway.providers.provider import Provider
from gateway.providers.rows.azure import AZURE
from gateway.providers.rows.bedrock import BEDROCK
from gateway.providers.rows.cerebras import CEREBRAS
from gateway.providers.rows.cloudflare import CLOUDFLARE
from gateway.providers.rows.deepseek import DEEPSEEK
from gateway.providers.rows.demo import DEMO
from gateway.providers.rows.fireworks import FIREWORKS
from gateway.providers.rows.generic import GENERIC
from gateway.providers.rows.google import GOOGLE
from gateway.providers.rows.groq import GROQ
from gateway.providers.rows.mistral import MISTRAL
from gateway.providers.rows.openai import OPENAI
from gateway.providers.rows.openrouter import OPENROUTER
from gateway.providers.rows.together import TOGETHER
from gateway.providers.rows.xai import XAI

__all__ = ["GENERIC", "PROVIDERS", "by_dialect", "by_host", "by_model", "by_name", "names"]

PROVIDERS = (
    OPENAI,
    anthropic.OPENAI_LAYER,
    anthropic.NATIVE,
    GOOGLE,
    GROQ,
    TOGETHER,
    CLOUDFLARE,
    DEEPSEEK,
    MISTRAL,
    XAI,
    CEREBRAS,
    FIREWORKS,
    OPENROUTER,
    AZURE,
    BEDROCK,
    DEMO,
    GENERIC,
)
"""Every row. Of two rows of one name the last is the one that the name means; a host means the first that has it."""

_BY_NAME = {provider.name: provider for provider in PROVIDERS} | {"gemini": GOOGLE}
_BY_DIALECT = {provider.dialect: provider for provider in PROVIDERS}
_MODEL_PREFIXES = sorted(((prefix, p) for p in PROVIDERS for prefix in p.models), key=lambda row: -len(row[0]))


def by_name(name: str) -> Provider | None:
    """The provider of that name (or alias), in any case."""
    return _BY_NAME.get(name.strip().lower())


def by_dialect(key: str) -> Provider:
    """The row of that key: a provider's name, or one of its dialects'."""
    return _BY_DIALECT[key]


def by_host(host: str) -> Provider | None:
    """The provider that owns the host, if it is a known one."""
    return next((provider for provider in PROVIDERS if provider.serves(host)), None)


def by_model(model: str) -> tuple[Provider, str] | None:
    """The provider that a model's name means, and the name to send: `groq/llama-3` is llama-3 at groq."""
    if (named := named_by(model)) is not None:
        return named
    return next(((provider, model) for start, provider in _MODEL_PREFIXES if model.startswith(start)), None)


def named_by(model: str) -> tuple[Provider, str] | None:
    """The provider that stands before a model's name, and the name behind it."""
    prefix, slash, rest = model.partition("/")
    if slash and rest and (named := by_name(prefix)) and not any(model.startswith(p) for p in named.models):
        return named, rest
    return None


def names() -> tuple[str, ...]:
    """Every name a caller may use."""
    return tuple(sorted(_BY_NAME))
