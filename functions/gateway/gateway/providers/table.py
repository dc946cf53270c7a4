"""The table of providers, and the three ways to find one: by name, by host, by a model's name."""

from functools import lru_cache

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
"""Every row. A name means the last row of that name, a host the first row that has it."""

_BY_NAME = {provider.name: provider for provider in PROVIDERS} | {"gemini": GOOGLE}
_BY_DIALECT = {provider.dialect: provider for provider in PROVIDERS}
_MODEL_PREFIXES = sorted(((prefix, p) for p in PROVIDERS for prefix in p.models), key=lambda row: -len(row[0]))


def by_name(name: str) -> Provider | None:
    """The provider of that name (or alias), in any case."""
    return _BY_NAME.get(name.strip().lower())


def by_dialect(dialect: str) -> Provider:
    """The row of that dialect. Raises KeyError for an unknown one."""
    return _BY_DIALECT[dialect]


def by_host(host: str) -> Provider | None:
    """The provider that owns the host, None for an unknown host."""
    return next(iter(_rows_of(host)), None)


def by_url(host: str, path: str) -> Provider | None:
    """The row for a URL: of the host's rows the one whose path ending the path has, else the one without an ending."""
    rows = _rows_of(host)
    ending = next((row for row in rows if row.path_ending and path.rstrip("/").endswith(row.path_ending)), None)
    return ending or next((row for row in rows if not row.path_ending), None)


@lru_cache(maxsize=256)
def _rows_of(host: str) -> tuple[Provider, ...]:
    return tuple(provider for provider in PROVIDERS if provider.serves(host))


def by_model(model: str) -> tuple[Provider, str] | None:
    """The provider for a model's name, and the name to send: `groq/llama-3` is `llama-3` at `groq`."""
    if (named := named_by(model)) is not None:
        return named
    # Google's own lists name their models so.
    model = model.removeprefix("models/")
    return next(((provider, model) for start, provider in _MODEL_PREFIXES if model.startswith(start)), None)


def named_by(model: str) -> tuple[Provider, str] | None:
    """The provider named before a slash, and the model's name after it."""
    prefix, slash, rest = model.partition("/")
    if slash and rest and (named := by_name(prefix)) and not any(model.startswith(p) for p in named.models):
        return named, rest
    return None


def names() -> tuple[str, ...]:
    """Every provider name that a caller may use."""
    return tuple(sorted(_BY_NAME))
