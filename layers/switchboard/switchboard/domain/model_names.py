"""Model names: the spellings under which a price may be listed, and the models that only their maker sells."""

import re

_SNAPSHOT = re.compile(r"(?:-\d{4}-\d{2}-\d{2}|[-@]20\d{6})$")
_LATEST = "-latest"
_GOOGLE_PREFIX = "models/"
_MAKERS = (
    ("openai", re.compile(r"(?:openai/)?(?P<model>(?:gpt-(?!oss)|chatgpt-|o[134](?:-|$))[^/:]*)$")),
    ("anthropic", re.compile(r"(?:anthropic/)?(?P<model>claude-[^/:]*)$")),
    ("google", re.compile(r"(?:google/)?(?P<model>gemini-[^/:]*)$")),
    ("xai", re.compile(r"(?:x-?ai/)?(?P<model>grok-[^/:]*)$")),
)


def plain(model: str) -> str:
    """The name in lower case, without Google's `models/`."""
    return model.strip().lower().removeprefix(_GOOGLE_PREFIX)


def spellings(model: str) -> tuple[str, ...]:
    """The plain name, then the one without the date of its snapshot: `gpt-4o-2024-08-06`, `gpt-4o`."""
    name = plain(model)
    undated = _SNAPSHOT.sub("", name)
    return (name,) if undated == name else (name, undated)


def same_model(answered: str, called: str) -> bool:
    """Whether the model that an answer names is the called one, or another snapshot of it."""
    one, other = (spellings(name)[-1].removesuffix(_LATEST) for name in (answered, called))
    return one == other


def maker(model: str) -> tuple[str, str] | None:
    """The maker of a proprietary model, and the model's name there; None if others may serve the model.

    Only a proprietary model costs its maker's price, at whatever address it is called.
    """
    name = plain(model)
    for provider, pattern in _MAKERS:
        if found := pattern.match(name):
            return provider, found["model"]
    return None


def is_claude(model: str) -> bool:
    """Whether the model is one of Anthropic's, under any provider's spelling."""
    return "claude" in model.lower()
