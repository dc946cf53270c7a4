"""Records traces that cannot be settled: a line on the terminal, and one in a file of the data folder."""

from collections.abc import Callable
from pathlib import Path

from cost_aggregator.poison import PoisonMessage, QueueUnavailable


class PoisonFile:
    """The aggregator's poison queue as a file."""

    def __init__(self, path: Path, show: Callable[[str], None]) -> None:
        self._path = path
        self._show = show

    def put(self, poison: PoisonMessage) -> None:
        """Append it. Raises QueueUnavailable."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(poison.to_json() + "\n")
        except OSError as error:
            raise QueueUnavailable(f"{self._path} cannot be written: {error.strerror}") from error
        self._show(f"  {poison.record_id.sk} cannot be settled: {poison.reason} (details in {self._path})")
