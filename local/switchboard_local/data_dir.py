"""The local system's data folder. One run at a time may use it, and only its owner can read it."""

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from switchboard_local.errors import CannotStart, refused_as

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_OWN_FILES = (
    *("gateway-key*", "gateway.log*", "engine.log*", "running.json", "lock", "table", "stream.*", "poison.jsonl*"),
    *("dynamodb.sqlite*", "shared-local-instance.db*"),  # of dynoxide and of DynamoDB Local
)
"""Patterns of what a run writes. Other files in the folder keep their modes: it may be one that the user chose."""
_LEAST_FREE_BYTES = 1024 * 1024
"""With less the engine starts, but cannot store a call."""


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
    def table(self) -> Path:
        """The file with the name of the folder's table."""
        return self.path / "table"

    @property
    def running(self) -> Path:
        """The file in which the command line finds the running system's table. It exists while the system runs."""
        return self.path / "running.json"

    def write_running(self, *, table: str, endpoint: str) -> None:
        """Write where the running system's table is."""
        self.running.write_text(json.dumps({"table": table, "endpoint": endpoint}) + "\n")


@contextmanager
def locked_data_dir(path: Path) -> Iterator[DataDir]:
    """Create the folder if it is missing, make it private, and lock it while the block runs. Raises CannotStart.

    Meanwhile, all files that this process and its children create are private too. The lock ends with the process,
    even if it is killed.
    """
    earlier = os.umask(0o777 & ~_FOLDER_MODE)
    try:
        with _locked(path) as data:
            yield data
    finally:
        os.umask(earlier)


@contextmanager
def _locked(path: Path) -> Iterator[DataDir]:
    if path.exists() and not path.is_dir():
        raise CannotStart(f"The data folder {path} is a file. Choose another DATA_DIR.")
    with refused_as(f"The data folder {path} cannot be written"):
        path.mkdir(parents=True, exist_ok=True)
        disk = shutil.disk_usage(path)
        if disk.total and disk.free < _LEAST_FREE_BYTES:  # some file systems tell nothing
            raise CannotStart(f"The disk of the data folder {path} is full: {disk.free // 1024} KB are free.")
        lock = (path / "lock").open("w")
    with lock, _folder_locked(path):
        _lock(lock.fileno(), path)
        data = DataDir(path)
        _make_private(path)
        try:
            yield data
        finally:
            with suppress(OSError):
                data.running.unlink()


@contextmanager
def _folder_locked(path: Path) -> Iterator[None]:
    """Lock the folder itself, so that a second run is refused where the lock's file was deleted."""
    with refused_as(f"The data folder {path} cannot be read"):
        folder = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no folders; the file is locked there
            _lock(folder, path)
        yield
    finally:
        os.close(folder)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CannotStart(
            f"Another Switchboard is running on the data in {path}. Stop it, or choose another DATA_DIR."
        ) from error


def _make_private(folder: Path) -> None:
    """Set the modes of the folder and of what earlier runs wrote: it may be older than these rules."""
    with refused_as(f"The data folder {folder} has conversations, and cannot be closed to other users"):
        _set_mode(folder, _FOLDER_MODE)
        for pattern in _OWN_FILES:
            for path in folder.glob(pattern):
                with suppress(FileNotFoundError):  # the aggregator of a run that was killed may still replace one
                    if stat.S_ISREG(path.lstat().st_mode):  # a link may lead to a device
                        _set_mode(path, _FILE_MODE)


def _set_mode(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)
