"""Remembers small things from one turn of a conversation for its next, in this process."""

from gateway.domain.clock import Clock

KEPT_S = 3600
MAX_CHARACTERS = 8_000_000
"""Of all names and values together."""


class SignatureMemory:
    """Values by name, each for an hour, the oldest forgotten first where there are too many.

    A turn that lands in another sandbox finds nothing, and must do without.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[str, float]] = {}
        self._characters = 0

    def remember(self, name: str, value: str) -> None:
        """Keep a value."""
        self._forget(name)
        self._kept[name] = value, self._clock.monotonic()
        self._characters += len(name) + len(value)
        while self._characters > MAX_CHARACTERS:
            self._forget(next(iter(self._kept)))

    def recall(self, name: str) -> str | None:
        """The value, if it is still there."""
        value, since = self._kept.get(name, ("", float("-inf")))
        return value if self._clock.monotonic() - since < KEPT_S else None

    def _forget(self, name: str) -> None:
        if name in self._kept:
            value, _since = self._kept.pop(name)
            self._characters -= len(name) + len(value)
