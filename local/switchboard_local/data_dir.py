"""The local system's data folder. One run at a time may use it."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from switchboard_local.errors import CannotStart


@dataclass(frozen=True, slots=True)
class DataDir:
    """The paths in the folder."""

    path: Path

    @property
    def key(self) -> Path:
        """The file with the text of the first gateway key."""
        return self.path / "gateway-key"

    @property
    def log(self) -> Path:
        """The file with the log lines and metrics that CloudWatch would get."""
        return self.path / "gateway.log"

    @property
    def running(self) -> Path:
        """The file in which the command line finds the running system's table. It exists while the system runs."""
        return self.path / "running.json"

    def write_running(self, *, table: str, endpoint: str) -> None:
        """Write where the running system's table is."""
        self.running.write_text(json.dumps({"table": table, "endpoint": endpoint}) + "\n")


@contextmanager
def locked_data_dir(path: Path) -> Iterator[DataDir]:
    """Create the folder if it is missing, and lock it while the block runs. Raises CannotStart.

    The lock ends with the process, even if it is killed.
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
