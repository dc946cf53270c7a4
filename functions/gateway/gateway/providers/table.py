"""The table of providers, and the three ways to find one: by name, by host, by a model's name."""

from gateway.providers.provider import Provider
from gateway.providers.usage import read_by_total, read_reasoning_outside

GENERIC = Provider("generic")
"""Any other URL that speaks Chat Completions."""

PROVIDERS = (
    Provider(
        "openai", "https://api.openai.com/v1", ("api.openai.com",), ("gpt-", "chatgpt-", "o1", "o3", "o4", "codex-")
    ),
    Provider("anthropic", "https://api.anthropic.com/v1", ("api.anthropic.com",), ("claude-",)),
    Provider(
        "google",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("generativelanguage.googleapis.com",),
        ("gemini-", "gemma-"),
        read_usage=read_by_total,
    ),
    Provider("groq", "https://api.groq.com/openai/v1", ("api.groq.com",), ("llama-", "meta-llama/llama-4-")),
    Provider(
        "together",
        "https://api.together.xyz/v1",
        ("api.together.xyz", "api.together.ai"),
        ("meta-llama/Llama-", "meta-llama/Meta-Llama-", "mistralai/", "deepseek-ai/"),
    ),
    Provider("cloudflare", None, ("api.cloudflare.com",), ("@cf/", "@hf/")),
    Provider("deepseek", "https://api.deepseek.com", ("api.deepseek.com",), ("deepseek-",)),
    Provider(
        "mistral",
        "https://api.mistral.ai/v1",
        ("api.mistral.ai",),
        ("mistral-", "ministral-", "magistral-", "codestral-", "pixtral-", "open-mistral-", "open-mixtral-"),
        takes_stream_options=False,
    ),
    Provider("xai", "https://api.x.ai/v1", ("api.x.ai",), ("grok-",), read_usage=read_reasoning_outside),
    Provider("cerebras", "https://api.cerebras.ai/v1", ("api.cerebras.ai",), ("llama3.", "llama-4-scout-17b-16e")),
    Provider("fireworks", "https://api.fireworks.ai/inference/v1", ("api.fireworks.ai",), ("accounts/fireworks/",)),
    Provider("openrouter", "https://openrouter.ai/api/v1", ("openrouter.ai",)),
    Provider("azure", None, ("*.openai.azure.com",), key_headers=lambda key: {"api-key": key}),
    Provider("bedrock", None, ("bedrock-runtime.*.amazonaws.com",)),
    Provider("demo", None, (), ("demo/",)),
    GENERIC,
)

_BY_NAME = {provider.name: provider for provider in PROVIDERS} | {
    "gemini": next(provider for provider in PROVIDERS if provider.name == "google")
}
_BY_DIALECT = {provider.key: provider for provider in PROVIDERS}
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
    prefix, slash, rest = model.partition("/")
    if slash and rest and (named := by_name(prefix)) and not any(model.startswith(p) for p in named.models):
        return named, rest
    return next(((provider, model) for start, provider in _MODEL_PREFIXES if model.startswith(start)), None)


def names() -> tuple[str, ...]:
    """Every name a caller may use."""
    return tuple(sorted(_BY_NAME))
