"""Runs the cost aggregator in its own process, so that settling calls does not delay streams."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import IO

from switchboard_local.log_file import LogFile
from switchboard_local.supervision import Process

LAST_BATCH_S = 2.5
"""Then it is killed, which costs no data: a batch is settled in transactions, and read again after the next start."""


class Aggregator:
    """The child process as a program that can be supervised. It ends when this process does."""

    name = "cost aggregator"
    log_name = "gateway.log"

    def __init__(self, environment: Mapping[str, str], data_dir: Path, log: Path, show: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._paths = [str(data_dir), str(log)]
        self._show = show
        self._read_at: float | None = None

    @property
    def read_stream_s_ago(self) -> float | None:
        """How long ago it last read the table's stream to its end; None if it never did."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    def spawn(self) -> Process:
        """Start it."""
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "switchboard_local.aggregator_process", *self._paths],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches this process only; the aggregator then finishes its batch and ends
        )
        if process.stdout is not None:
            threading.Thread(target=self._listen, args=(process.stdout,), name="aggregator-lines", daemon=True).start()
        return process

    def wait_until_ready(self, process: Process) -> None:
        """Nothing needs to wait for it."""

    def stop(self, process: Process) -> None:
        """Let it finish its batch, then end it."""
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(LAST_BATCH_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _listen(self, lines: IO[bytes]) -> None:
        """An empty line says that the stream was read; any other is for the terminal."""
        with lines:
            for line in lines:
                if text := line.decode(errors="replace").rstrip("\n"):
                    self._show(text)
                else:
                    self._read_at = time.monotonic()


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Settle calls until the parent process closes this process's input, or ends."""
    data_dir, log_path = map(Path, arguments)
    parent = _Parent()
    with LogFile(log_path, _tell) as log, redirect_stdout(log):
        logging.basicConfig(stream=log, level=logging.WARNING)
        try:
            _settle(environment, data_dir, parent)
        except Exception:
            logging.getLogger(__name__).exception("the cost aggregator has stopped")
            return 1
    return 0


class _Parent:
    """The process that started this one. It closes this process's input when it ends."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._is_awaited = False
        threading.Thread(target=self._watch, name="parent", daemon=True).start()

    def wait(self) -> None:
        """Return when it has ended."""
        self._is_awaited = True
        self._ended.wait()

    def _watch(self) -> None:
        while os.read(0, 1024):  # not through `sys.stdin`, whose lock a thread must not hold when Python ends
            pass
        self._ended.set()
        if not self._is_awaited:
            os._exit(0)  # still starting: nothing to clean up


def _settle(environment: Mapping[str, str], data_dir: Path, parent: _Parent) -> None:
    from switchboard_local.aggregation import aggregating  # noqa: PLC0415 - imports take a second, in which the parent may end

    with aggregating(environment, data_dir, _tell, has_read=partial(_tell, "")):
        parent.wait()


def _tell(line: str) -> None:
    """Send a line to the parent process."""
    with suppress(OSError):
        os.write(1, line.encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
