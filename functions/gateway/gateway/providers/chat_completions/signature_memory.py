"""Remembers thought signatures from one turn of a conversation for its next, in this process."""

from gateway.domain.clock import Clock
from switchboard.domain.bounded_dict import BoundedDict

MAX_AGE_S = 3600
MAX_CHARACTERS = 8_000_000
"""Of all names and values together."""


class SignatureMemory:
    """Values by name, each for an hour. When they grow too large the least recently written are dropped.

    A turn that is served by another process finds nothing and must do without.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries = BoundedDict[str, tuple[str, float]](MAX_CHARACTERS, _characters)

    def remember(self, name: str, value: str) -> None:
        """Keep a value."""
        self._entries[name] = value, self._clock.monotonic()

    def recall(self, name: str) -> str | None:
        """The value; None where there is none or it is older than MAX_AGE_S."""
        value, since = self._entries.get(name, ("", float("-inf")))
        return value if self._clock.monotonic() - since < MAX_AGE_S else None


def _characters(name: str, entry: tuple[str, float]) -> int:
    return len(name) + len(entry[0])
