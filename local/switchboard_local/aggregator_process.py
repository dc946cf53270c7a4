"""Runs the cost aggregator in its own process, so that settling calls does not delay streams."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

LAST_BATCH_S = 12.0
_ENDED = "  The cost aggregator has stopped; the log has the reason. Calls are stored, and priced after the next start."


@contextmanager
def aggregator_process(
    environment: Mapping[str, str], data_dir: Path, log: Path, show: Callable[[str], None]
) -> Iterator[None]:
    """Settle calls in a child process while the block runs. The child ends when this process does.

    `environment` names the table and the engine. `show` prints a line on the terminal.
    """
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "switchboard_local.aggregator_process", str(data_dir), str(log)],
        env=dict(environment),
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches this process only; the aggregator then finishes its batch and ends
    )
    stopping = threading.Event()
    threading.Thread(target=_watch, args=(process, stopping, show), name="aggregator", daemon=True).start()
    try:
        yield
    finally:
        stopping.set()
        _end(process)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Settle calls until the parent process closes this process's input, or ends."""
    data_dir, log_path = map(Path, arguments)
    terminal, parent = sys.stdout, _Parent()

    def show(text: str) -> None:
        with suppress(OSError, ValueError):
            print(text, file=terminal, flush=True)

    with log_path.open("a", buffering=1, encoding="utf-8") as log, redirect_stdout(log):
        logging.basicConfig(stream=log, level=logging.WARNING)
        try:
            _settle(environment, data_dir, show, parent)
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
        sys.stdin.buffer.read()
        self._ended.set()
        if not self._is_awaited:
            os._exit(0)  # still starting: nothing to clean up


def _settle(environment: Mapping[str, str], data_dir: Path, show: Callable[[str], None], parent: _Parent) -> None:
    from switchboard_local.aggregation import aggregating  # noqa: PLC0415 - imports take a second, in which the parent may end

    with aggregating(environment, data_dir, show):
        parent.wait()


def _watch(process: "subprocess.Popen[bytes]", stopping: threading.Event, show: Callable[[str], None]) -> None:
    process.wait()
    if not stopping.is_set():
        show(_ENDED)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(LAST_BATCH_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
