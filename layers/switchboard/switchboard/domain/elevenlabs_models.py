"""The models that ElevenLabs lists for its agents, with the prices of its list: USD per million tokens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model of the list; None where the list has no price."""

    provider: str
    model: str
    input: str
    output: str
    cache_read: str | None = None
    cache_write: str | None = None


ELEVENLABS_MODELS = (
    ListedModel("google", "gemini-1.5-pro", "1.25", "5", "0.3125"),
    ListedModel("google", "gemini-1.5-flash", "0.075", "0.3", "0.01875"),
    ListedModel("google", "gemini-2.0-flash", "0.1", "0.4", "0.025"),
    ListedModel("google", "gemini-2.0-flash-lite", "0.075", "0.3"),
    ListedModel("google", "gemini-2.5-flash", "0.15", "0.6"),
    ListedModel("openai", "gpt-4o-mini", "0.15", "0.6", "0.075"),
    ListedModel("openai", "gpt-4o", "2.5", "10", "1.25"),
    ListedModel("openai", "gpt-4", "30", "60"),
    ListedModel("openai", "gpt-4-turbo", "10", "30"),
    ListedModel("openai", "gpt-4.1", "2", "8"),
    ListedModel("openai", "gpt-4.1-mini", "0.4", "1.6", "0.1"),
    ListedModel("openai", "gpt-4.1-nano", "0.1", "0.4", "0.025"),
    ListedModel("openai", "gpt-3.5-turbo", "0.5", "1.5"),
    ListedModel("anthropic", "claude-sonnet-4", "3", "15", "0.3", "3.75"),
    ListedModel("anthropic", "claude-3-7-sonnet", "3", "15", "0.3", "3.75"),
    ListedModel("anthropic", "claude-3-5-sonnet", "3", "15", "0.3", "3.75"),
    ListedModel("anthropic", "claude-3-5-sonnet-v1", "3", "15", "0.3", "3.75"),
    ListedModel("anthropic", "claude-3-0-haiku", "0.25", "1.25", "0.03", "0.3"),
)
