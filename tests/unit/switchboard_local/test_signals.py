"""Which signals end the system, which of them hurry it, and how it learns that its terminal was closed."""

import os
import pty
import select
import signal
import subprocess
import sys

import pytest

from switchboard_local.signals import ending_signals, interrupted_by_signals, is_a_second

WAIT_S = 10.0
LEADER = """
import os, signal, subprocess, sys
os.login_tty(int(sys.argv[1]))
signal.signal(signal.SIGHUP, lambda *_: None)  # as make, which waits for its child and passes nothing on
subprocess.run([sys.executable, "-c", sys.argv[2]], pass_fds=[int(sys.argv[3])])
"""
CHILD = """
import os, signal
from switchboard_local import signals
signals._FOREGROUND_EVERY_MS = 10
told = int("{told}")
signal.signal(signal.SIGHUP, lambda *_: (os.write(told, b"hung up"), os._exit(0)))
{before}
signals.hang_up_with_terminal()
import time
time.sleep(0.2)
os.write(told, b"ready ")
time.sleep({lives_s})
os.write(told, b"ended")
"""


@pytest.mark.parametrize(
    ("before", "lives_s", "told"),
    [
        ("", 10, "hung up"),
        ("os.setpgrp()", 0.5, "ended"),  # in the background
        ("signal.signal(signal.SIGHUP, signal.SIG_IGN)", 0.5, "ended"),  # nohup
    ],
    ids=["foreground", "background", "nohup"],
)
def test_a_closed_terminal_ends_a_process_in_its_foreground(before: str, lives_s: float, told: str) -> None:
    master, terminal = pty.openpty()
    reading, writing = os.pipe()
    child = CHILD.format(told=writing, before=before, lives_s=lives_s)
    command = [sys.executable, "-c", LEADER, str(terminal), child, str(writing)]
    with subprocess.Popen(command, pass_fds=[terminal, writing]) as leader:
        os.close(terminal)
        os.close(writing)
        try:
            assert _read(reading) == "ready "
            os.close(master)
            assert _read(reading) == told
        finally:
            leader.kill()
            os.close(reading)


def _read(pipe: int) -> str:
    readable, _, _ = select.select([pipe], [], [], WAIT_S)
    assert readable
    return os.read(pipe, 100).decode()


@pytest.mark.parametrize(
    ("number", "since_first_s", "hurries"),
    [
        (signal.SIGINT, 0.01, True),
        (signal.SIGTERM, 0.01, False),  # `make` passes on its own
        (signal.SIGTERM, 1.5, True),
        (signal.SIGHUP, 0.01, False),  # the shell of a closed terminal repeats it
        (signal.SIGHUP, 30.0, False),
    ],
)
def test_a_second_signal(number: signal.Signals, since_first_s: float, hurries: bool) -> None:
    assert is_a_second(number, since_first_s) is hurries


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_before_and_after_the_server_runs_a_signal_is_an_interrupt(number: signal.Signals) -> None:
    earlier = signal.signal(number, signal.SIG_DFL)  # under `nohup` the tests themselves ignore SIGHUP
    try:
        with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, earlier)


def test_an_ignored_hangup_stays_ignored() -> None:
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in ending_signals()
        with interrupted_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, earlier)
