"""The log file as a stream that never fails and does not grow for ever: a full disk costs lines, and no call."""

import io
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import override

MAX_BYTES = 10_000_000
OLDER_FILES = 4
"""`gateway.log.1` is the newest of them. The oldest is overwritten."""


class LogFile(io.TextIOBase):
    """Appends whole lines to a file. Lines that cannot be written are dropped, which `show` is told once.

    A `TextIOWrapper` would raise in the midst of the call that logs, and go on to raise for what it has buffered.
    Several processes and threads may append to one file. One process `rotates` it: before a line that would follow
    10 MB it renames the file. The others notice at their next line, and go on in the new file.
    """

    def __init__(self, path: Path, show: Callable[[str], None], *, rotates: bool = False) -> None:
        self._path = path
        self._show = show
        self._rotates = rotates
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._begun = ""
        self._is_torn = False
        self._is_failing = False

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, text: str) -> int:
        with self._lock:
            whole, newline, self._begun = (self._begun + text).rpartition("\n")
            if newline:
                self._append(f"{whole}\n".encode(errors="backslashreplace"))
        return len(text)

    @override
    def close(self) -> None:
        self._file.close()
        super().close()

    def _append(self, lines: bytes) -> None:
        try:
            self._turn_over()
            data = b"\n" + lines if self._is_torn else lines
            while data:
                data = data[os.write(self._file.fileno(), data) :]
                self._is_torn = bool(data)  # the disk has become full: the next write says why
        except (OSError, ValueError) as error:
            self._failed(error)
        else:
            self._is_torn = self._is_failing = False

    def _turn_over(self) -> None:
        """Continue in another file if this one is full, or has been renamed or deleted."""
        with suppress(FileNotFoundError):
            at_path = self._path.stat()
            if at_path.st_ino == os.fstat(self._file.fileno()).st_ino:
                if not self._rotates or at_path.st_size < MAX_BYTES:
                    return
                self._rename()
        fresh = self._path.open("ab", buffering=0)
        self._file.close()
        self._file, self._is_torn = fresh, False

    def _rename(self) -> None:
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, OLDER_FILES + 1))]
        for newer, older in reversed(list(pairwise(names))):
            with suppress(FileNotFoundError):
                newer.replace(older)

    def _failed(self, error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            reason = getattr(error, "strerror", None) or str(error)
            self._show(f"  The log {self._path} cannot be written: {reason}. Calls go on; these lines are lost.")
