"""The names of the providers in the gateway's table, for code that names a provider without calling it."""

PROVIDER_NAMES = frozenset(
    {
        "anthropic",
        "azure",
        "bedrock",
        "cerebras",
        "cloudflare",
        "deepseek",
        "demo",
        "fireworks",
        "generic",
        "google",
        "groq",
        "mistral",
        "openai",
        "openrouter",
        "together",
        "xai",
    }
)
ALIASES = {"gemini": "google"}


def provider_named(text: str) -> str | None:
    """The provider with that name, in any case, or by an alias; None if there is none."""
    name = text.strip().lower()
    name = ALIASES.get(name, name)
    return name if name in PROVIDER_NAMES else None
