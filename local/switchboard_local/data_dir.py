"""The folder that the local system keeps its data in: one run at a time."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from switchboard_local.refusal import CannotStart


@dataclass(frozen=True, slots=True)
class DataDir:
    """The folder's places."""

    path: Path

    @property
    def key(self) -> Path:
        """The first gateway key's text."""
        return self.path / "gateway-key"

    @property
    def log(self) -> Path:
        """The gateway's log lines and metrics, as CloudWatch would get them."""
        return self.path / "gateway.log"

    @property
    def running(self) -> Path:
        """What the command line needs to find the running system's table; there while it runs."""
        return self.path / "running.json"

    def announce(self, *, table: str, endpoint: str) -> None:
        """Say where the running system's table is."""
        self.running.write_text(json.dumps({"table": table, "endpoint": endpoint}) + "\n")


@contextmanager
def held(path: Path) -> Iterator[DataDir]:
    """Makes the folder where there is none, and keeps other runs out of it. Raises CannotStart.

    The lock goes with the process, also when it is killed.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (path / "lock").open("w")
    except OSError as error:
        raise CannotStart(f"The data folder {path} cannot be written: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(
                f"Another Switchboard is running on the data in {path}. Stop it, or choose another DATA_DIR."
            ) from error
        data = DataDir(path)
        try:
            yield data
        finally:
            data.running.unlink(missing_ok=True)
