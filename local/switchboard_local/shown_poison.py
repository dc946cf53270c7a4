"""Traces that cannot be settled: a line on the terminal, and one in a file of the data folder."""

from collections.abc import Callable
from pathlib import Path

from cost_aggregator.poison import PoisonMessage, QueueUnavailable


class ShownPoison:
    """The aggregator's poison queue on this machine."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say

    def put(self, poison: PoisonMessage) -> None:
        """Keep it. Raises QueueUnavailable."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(poison.to_json() + "\n")
        except OSError as error:
            raise QueueUnavailable(f"{self._path} cannot be written: {error.strerror}") from error
        self._say(f"  {poison.record_id.sk} cannot be settled: {poison.reason} (kept in {self._path})")
