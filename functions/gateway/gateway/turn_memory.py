"""Remembers small things from one turn of a conversation for its next, in this process."""

from gateway.clock import Clock

KEPT_S = 3600
MAX_ENTRIES = 10_000


class TurnMemory:
    """Values by name, each for an hour. A turn that lands in another sandbox finds nothing, and must do without."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[str, float]] = {}

    def remember(self, name: str, value: str) -> None:
        """Keep a value."""
        self._kept.pop(name, None)
        self._kept[name] = value, self._clock.monotonic()
        if len(self._kept) > MAX_ENTRIES:
            del self._kept[next(iter(self._kept))]

    def recall(self, name: str) -> str | None:
        """The value, if it is still there."""
        value, since = self._kept.get(name, ("", float("-inf")))
        return value if self._clock.monotonic() - since < KEPT_S else None
