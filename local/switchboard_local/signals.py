"""The signals that end the local system: Ctrl-C, SIGTERM, and SIGHUP, which a closed terminal sends."""

import os
import select
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

_SAME_EVENT_S = 1.0
_FOREGROUND_EVERY_MS = 500.0


def ending_signals() -> Sequence[signal.Signals]:
    """The signals to handle; not SIGHUP if the process was told to ignore it (`nohup`)."""
    ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM, *(() if ignores_hangup else (signal.SIGHUP,)))


def is_a_second(number: signal.Signals, since_first_s: float) -> bool:
    """Whether the signal, which came after another, asks for a faster end.

    SIGTERM can come twice at once: to the process, and from `make`, which passes on its own. A closed terminal sends
    SIGHUP, and the shell in it sends it again.
    """
    return number is signal.SIGINT or (number is signal.SIGTERM and since_first_s > _SAME_EVENT_S)


def hang_up_with_terminal() -> None:
    """Send this process SIGHUP when the terminal in whose foreground it runs is closed.

    The system sends it to the session's leader only. If that is `make`, as in `ssh -t host make run`, it is not passed
    on.
    """
    terminal = next((number for number in (0, 1, 2) if os.isatty(number)), None)
    if terminal is not None:
        threading.Thread(target=_watch_terminal, args=(terminal,), name="terminal", daemon=True).start()


def _watch_terminal(terminal: int) -> None:
    poll, in_foreground = select.poll(), False
    poll.register(terminal, 0)  # only its end is of interest
    while not (ends := poll.poll(_FOREGROUND_EVERY_MS)):
        with suppress(OSError):  # it was closed at this moment, or it is not the terminal of this session
            in_foreground = os.tcgetpgrp(terminal) == os.getpgrp()
    if in_foreground and ends[0][1] & select.POLLHUP:
        os.kill(os.getpid(), signal.SIGHUP)


def interrupt_on_signals() -> None:
    """Let each of the signals raise KeyboardInterrupt from now on."""
    for number in ending_signals():
        signal.signal(number, _interrupt)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let each of the signals raise KeyboardInterrupt while the block runs."""
    earlier = {number: signal.getsignal(number) for number in ending_signals()}
    interrupt_on_signals()
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
