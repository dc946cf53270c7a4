"""Models whose chat template refuses orders of roles, by their names, wherever they are hosted.

The templates are published with the models: Mistral's, Gemma's and Llama 2's raise "Conversation roles must alternate",
Qwen's from 3.5 on "System message must be at the beginning", Gemma's before 3 "System role not supported".
"""

import re

_ALTERNATING = re.compile(
    r"(?:mistral|ministral|magistral|mixtral|codestral|devstral|pixtral|(?<![a-z])gemma)(?![a-z])"
    r"|(?<![a-z])llama-?2(?![\d.])|(?:^|[/:._-])sonar(?![a-z])"
)
_ONE_SYSTEM_FIRST = re.compile(r"qwen-?(?:3\.[5-9]|[4-9](?!\d))")
_NO_SYSTEM = re.compile(r"(?<![a-z])(?:code)?gemma-(?:1|2|[27]b)(?!\d)")


def wants_alternation(model: str) -> bool:
    """Whether the model's template refuses two turns of one role in succession."""
    return _ALTERNATING.search(model.lower()) is not None


def wants_one_system_first(model: str) -> bool:
    """Whether the model's template refuses a system message that is not the first message."""
    return _ONE_SYSTEM_FIRST.search(model.lower()) is not None or wants_alternation(model)


def wants_no_system(model: str) -> bool:
    """Whether the model's template refuses every system message."""
    return _NO_SYSTEM.search(model.lower()) is not None
