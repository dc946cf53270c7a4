"""The names of the providers in the gateway's table, for whoever names one without calling it."""

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
    """The provider that a name means, in any case and by an alias too; None where there is no such provider."""
    name = text.strip().lower()
    name = ALIASES.get(name, name)
    return name if name in PROVIDER_NAMES else None
