"""Runs a child process and starts it again when it ends."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_S = 10.0
"""A process that ran this long did start: its end is told again, and the pauses are short again."""
_SHELLS_SIGNALS = 128

type Process = subprocess.Popen[bytes]


class StartFailed(Exception):
    """The process did not start. The message is a sentence with the reason."""


class Program(Protocol):
    """What is run."""

    @property
    def name(self) -> str:
        """Its name on the terminal."""

    @property
    def log_name(self) -> str:
        """The file of the data folder in which it says why it ends."""

    def spawn(self) -> Process:
        """Start the process. Raises StartFailed or OSError."""

    def wait_until_ready(self, process: Process) -> None:
        """Return once it works. Raises StartFailed."""

    def stop(self, process: Process) -> None:
        """End it and everything that it started. It may have ended already."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether the process runs, for how many seconds it has run or not run, and how often it was started again."""

    is_running: bool
    for_s: float
    restarts: int


class Supervised:
    """The process runs while a `with` block does. Its end is shown once, and so is its next start.

    Entering the block starts it and waits until it works; it raises what the program raises. `show` prints a line on
    the terminal.
    """

    def __init__(self, program: Program, show: Callable[[str], None]) -> None:
        self._program = program
        self._show = show
        self._stopping = threading.Event()
        self._spawning = threading.Lock()
        self._process: Process | None = None
        self._condition = (False, time.monotonic(), 0)
        self._failures = 0
        self._is_outage_shown = False
        self._ends_repeatedly = False

    def __enter__(self) -> Self:
        process = self._start()
        threading.Thread(target=self._watch, args=(process,), name=self._program.name, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        with self._spawning:
            process = self._process
        if process is not None:
            self._program.stop(process)

    @property
    def condition(self) -> Condition:
        """The process as it is now."""
        is_running, since, restarts = self._condition
        return Condition(is_running, time.monotonic() - since, restarts)

    def _start(self) -> Process:
        with self._spawning:
            if self._stopping.is_set():
                raise StartFailed("It is being stopped.")
            self._process = process = self._program.spawn()
        try:
            self._program.wait_until_ready(process)
        except BaseException:
            self._program.stop(process)
            raise
        self._condition = (True, time.monotonic(), self._condition[2])
        return process

    def _watch(self, process: Process) -> None:
        while True:
            code = self._wait(process)
            if self._stopping.is_set():
                return
            self._ended(code)
            self._program.stop(process)  # what it started may have outlived it
            started = self._restart()
            if started is None:
                return
            process = started

    def _wait(self, process: Process) -> int:
        """The exit code. After repeated ends, the first steady run is shown: it is the end of that outage."""
        if self._ends_repeatedly:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(STEADY_S)
            self._ends_repeatedly = False
            self._show(f"  The {self._program.name} runs again.")
        return process.wait()

    def _ended(self, code: int) -> None:
        is_running, since, restarts = self._condition
        if is_running and time.monotonic() - since >= STEADY_S:
            self._failures = 0
        self._condition = (False, time.monotonic(), restarts)
        self._is_outage_shown = self._failures == 0
        if self._is_outage_shown:
            self._show(f"  The {self._program.name} has ended ({self._reason(code)}) and is started again.")
        elif self._failures == 1:
            self._ends_repeatedly = True
            self._show(
                f"  The {self._program.name} ends again and again ({self._reason(code)}); it is still started again."
            )

    def _restart(self) -> Process | None:
        """The new process; None if it is no longer wanted."""
        while not self._stopping.wait(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._failures, 10))):
            self._failures += 1
            try:
                process = self._start()
            except Exception as error:  # noqa: BLE001 - tried again whatever it is, or nobody would any more
                if self._failures == 1 and not self._stopping.is_set():
                    self._show(f"  The {self._program.name} does not start, which is tried again: {error}")
                continue
            is_running, since, restarts = self._condition
            self._condition = (is_running, since, restarts + 1)
            if self._is_outage_shown:
                self._show(f"  The {self._program.name} runs again.")
            return process
        return None

    def _reason(self, code: int) -> str:
        """What an exit code says; a shell adds 128 to the number of the signal that killed its child."""
        number = -code if code < 0 else code - _SHELLS_SIGNALS
        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"exit code {code}; {self._program.log_name} has the reason"
