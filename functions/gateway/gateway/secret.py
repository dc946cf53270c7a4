"""A secret that does not show itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key's text. Printing, formatting or logging it shows `***`; only `reveal` gives it."""

    _text: str

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "***"


def scrub(text: str, secrets: tuple[Secret, ...]) -> str:
    """The text with every secret in it replaced: providers repeat keys in their error messages.

    Halves of surrogate pairs, which JSON can carry and UTF-8 cannot, are replaced too.
    """
    text = text.encode("utf-8", "replace").decode()
    for secret in secrets:
        if revealed := secret.reveal():
            text = text.replace(revealed, "***")
    return text


def scrub_bytes(content: bytes, secrets: tuple[Secret, ...]) -> bytes:
    """The bytes with every secret in them replaced."""
    for secret in secrets:
        if revealed := secret.reveal().encode("utf-8", "surrogatepass"):
            content = content.replace(revealed, b"***")
    return content
