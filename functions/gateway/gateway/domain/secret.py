"""A secret that is not printed, and the removal of secrets from texts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key's text. Printing, formatting or logging it shows `***`; only `reveal` gives it."""

    _text: str

    def reveal(self) -> str:
        """The text, for the code that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "***"


def scrub(text: str, secrets: tuple[Secret, ...]) -> str:
    """The text with every secret in it replaced by `***`: providers repeat keys in their error messages.

    Halves of surrogate pairs, which JSON can carry and UTF-8 cannot, are replaced too.
    """
    text = text.encode("utf-8", "replace").decode()
    for revealed in _longest_first(secrets):
        text = text.replace(revealed, "***")
    return text


def scrub_bytes(content: bytes, secrets: tuple[Secret, ...]) -> bytes:
    """The bytes with every secret in them replaced by `***`."""
    for revealed in _longest_first(secrets):
        content = content.replace(revealed.encode("utf-8", "surrogatepass"), b"***")
    return content


def _longest_first(secrets: tuple[Secret, ...]) -> list[str]:
    # If a key is the beginning of another, replacing it first would leave the rest of the longer one.
    return sorted(filter(None, (secret.reveal() for secret in secrets)), key=len, reverse=True)
