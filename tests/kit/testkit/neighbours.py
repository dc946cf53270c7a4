"""Workers that run tests beside each other, and the tests that bear no neighbour."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Any two files that every worker of a checkout knows: they are locked, never read.
_GATE, _ROOM = Path(__file__), Path(__file__).with_name("__init__.py")


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Waits until this test may run: beside others, or while no other worker of this checkout is within a test."""
    with _GATE.open() as gate, _ROOM.open() as room:
        fcntl.flock(gate, fcntl.LOCK_EX)
        try:
            fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            # One that waits to be alone has closed the gate behind it: else the others, always overlapping, would
            # never let it in. Unlocked by name, since a forked child keeps what is merely closed.
            fcntl.flock(gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)
