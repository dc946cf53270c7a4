"""What a trace tells of a call's prompt: the system prompt, and the user's last words."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from gateway.domain.call import Chat
from switchboard.stream.deltas import Json

SYSTEM_ROLES = ("system", "developer")
WORDS_CHARACTERS = 4096
"""Of the user's last message that are kept in memory until the call is recorded."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The texts of the messages before the conversation begins, and the beginning of the user's last message.

    `has_more_words`: the user's message goes on.
    """

    system: tuple[str, ...] = ()
    words: str = ""
    has_more_words: bool = False

    @property
    def characters(self) -> int | None:
        """The length of the system prompt; None where there is none."""
        return sum(map(len, self.system)) or None

    @property
    def size(self) -> int:
        """How many characters it holds."""
        return (self.characters or 0) + len(self.words)


def read_prompt(chat: Chat) -> Prompt:
    """The prompt of a call. Copies nothing but the user's words."""
    leading = takewhile(lambda message: message.get("role") in SYSTEM_ROLES, chat.messages)
    last = next((message for message in reversed(chat.messages) if message.get("role") == "user"), {})
    words = "\n".join(text[: WORDS_CHARACTERS + 1] for text in _texts(last))
    return Prompt(
        tuple(text for message in leading for text in _texts(message)),
        words[:WORDS_CHARACTERS],
        len(words) > WORDS_CHARACTERS,
    )


def _texts(message: Json) -> Iterator[str]:
    content = message.get("content")
    for part in content if isinstance(content, list) else (content,):
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            yield text
