"""The cost aggregator in a process of its own, as on Lambda in a function of its own: settling holds up no stream."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

LAST_BATCH_S = 12.0
_ENDED = "  The cost aggregator has ended; the log has the reason. Calls are kept, and priced at the next start."


@contextmanager
def aggregator_process(
    environment: Mapping[str, str], data_dir: Path, log: Path, say: Callable[[str], None]
) -> Iterator[None]:
    """Settles calls beside this process for as long as the block lasts, and no longer than this process lives.

    `environment` names the table and the engine. `say` shows a line to a person.
    """
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "switchboard_local.aggregator_process", str(data_dir), str(log)],
        env=dict(environment),
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is this process's: the aggregator ends after it, its last batch done
    )
    stopping = threading.Event()
    threading.Thread(target=_watch, args=(process, stopping, say), name="aggregator", daemon=True).start()
    try:
        yield
    finally:
        stopping.set()
        _end(process)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Settle until the parent process closes our input, or is gone."""
    data_dir, log_path = map(Path, arguments)
    terminal, parent = sys.stdout, _Parent()

    def say(text: str) -> None:
        with suppress(OSError, ValueError):
            print(text, file=terminal, flush=True)

    with log_path.open("a", buffering=1, encoding="utf-8") as log, redirect_stdout(log):
        logging.basicConfig(stream=log, level=logging.WARNING)
        try:
            _settle(environment, data_dir, say, parent)
        except Exception:
            logging.getLogger(__name__).exception("the cost aggregator has ended")
            return 1
    return 0


class _Parent:
    """The process that started this one: it holds the other end of our input for as long as it wants us."""

    def __init__(self) -> None:
        self._gone = threading.Event()
        self._is_waited_for = False
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def wait(self) -> None:
        """Return when it has gone."""
        self._is_waited_for = True
        self._gone.wait()

    def _listen(self) -> None:
        sys.stdin.buffer.read()
        self._gone.set()
        if not self._is_waited_for:
            os._exit(0)  # still starting: nothing has been begun that must be ended


def _settle(environment: Mapping[str, str], data_dir: Path, say: Callable[[str], None], parent: _Parent) -> None:
    from switchboard_local.aggregation import aggregating  # noqa: PLC0415 - a second of imports, in which we may be ended

    with aggregating(environment, data_dir, say):
        parent.wait()


def _watch(process: "subprocess.Popen[bytes]", stopping: threading.Event, say: Callable[[str], None]) -> None:
    process.wait()
    if not stopping.is_set():
        say(_ENDED)


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
