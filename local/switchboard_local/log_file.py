"""The log file as a stream that never fails: a full disk costs lines of the log, and no call."""

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import override


class LogFile(io.TextIOBase):
    """Appends whole lines to a file. Lines that cannot be written are dropped, which `show` is told once.

    A `TextIOWrapper` would raise in the midst of the call that logs, and go on to raise for what it has buffered.
    Several processes and threads may append to one file.
    """

    def __init__(self, path: Path, show: Callable[[str], None]) -> None:
        self._path = path
        self._show = show
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
        data = b"\n" + lines if self._is_torn else lines
        try:
            while data:
                data = data[os.write(self._file.fileno(), data) :]
                self._is_torn = bool(data)  # the disk has become full: the next write says why
        except (OSError, ValueError) as error:
            self._failed(error)
        else:
            self._is_torn = self._is_failing = False

    def _failed(self, error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            reason = getattr(error, "strerror", None) or str(error)
            self._show(f"  The log {self._path} cannot be written: {reason}. Calls go on; these lines are lost.")
