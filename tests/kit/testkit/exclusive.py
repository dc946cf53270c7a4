"""Locks between test workers: a test marked `alone` runs while no other worker of this checkout runs one."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Two files that every worker of a checkout has: they are locked, never read.
_QUEUE, _RUNNING = Path(__file__), Path(__file__).with_name("__init__.py")


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Waits until this test may run: alone, or beside others that do not run alone."""
    with _QUEUE.open() as queue, _RUNNING.open() as running:
        fcntl.flock(queue, fcntl.LOCK_EX)
        try:
            fcntl.flock(running, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            # A test that waits for the exclusive lock holds the queue: otherwise the others, whose shared locks
            # always overlap, would keep it waiting for ever. Unlocked explicitly, because a forked child keeps the
            # lock of a file that is merely closed here.
            fcntl.flock(queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(running, fcntl.LOCK_UN)
