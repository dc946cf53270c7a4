"""The signals that end the local system: Ctrl-C, SIGTERM, and SIGHUP, which a closed terminal sends."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

_SAME_EVENT_S = 1.0


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
