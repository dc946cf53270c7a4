"""A scripted Lambda Runtime API on loopback: it records when each byte arrived, which AWS's emulator cannot do."""

import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from testkit.runtime_command import REPOSITORY, START_FILE, command, environment
from testkit.runtime_recorded import Recorded
from testkit.runtime_server import Invocation, RuntimeServer


class RuntimeApi:
    """One sandbox: `start` a handler, `send` it events one after the other."""

    def __init__(self) -> None:
        self.init_error: dict[str, Any] | None = None
        self.init_ms: float | None = None
        self._log = tempfile.NamedTemporaryFile(prefix="runtime-", suffix=".log")  # noqa: SIM115 - closed with the sandbox
        self._server = RuntimeServer(self)
        self._invocations: queue.Queue[Invocation | None] = queue.Queue()
        self._current: Invocation | None = None
        self._initialised = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._invocations.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._log.close()

    @property
    def address(self) -> str:
        """The value of `AWS_LAMBDA_RUNTIME_API`."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def log(self) -> str:
        """The function's output so far."""
        return Path(self._log.name).read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        """Whether the function's process still runs."""
        return self._process is not None and self._process.poll() is None

    def start(
        self,
        handler: str,
        env: Mapping[str, str] | None = None,
        *,
        streaming: bool = True,
        start_file: Path = START_FILE,
        timeout_s: float = 30,
    ) -> None:
        """Start the sandbox and wait for its first poll (then `init_ms` is set) or its `init_error`."""
        started_ns = time.monotonic_ns()
        self._process = subprocess.Popen(
            command(start_file, streaming=streaming),
            env=environment(handler, env) | {"AWS_LAMBDA_RUNTIME_API": self.address},
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait(self._initialised, timeout_s)
        self.init_ms = None if self.init_error else (time.monotonic_ns() - started_ns) / 1e6

    def send(
        self,
        event: Any,
        *,
        timeout_s: float = 30,
        deadline_in_s: float = 30,
        hang_up_after_chunks: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Recorded:
        """Hand out one event and return the result, once the function polls for the next event.

        `hang_up_after_chunks` closes the response's socket when that many chunks were read (the prelude is one).
        `headers` are further headers of the invocation.
        """
        self._count += 1
        recorded = Recorded(invoke_id=f"invocation-{self._count}")
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        deadline_ms = int((time.time() + deadline_in_s) * 1_000)
        self._invocations.put(Invocation(body, recorded, deadline_ms, hang_up_after_chunks, dict(headers or {})))
        self._wait(recorded.settled, timeout_s)
        return recorded

    def _wait(self, event: threading.Event, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not event.wait(0.02):
            if not self.is_alive and not event.wait(0.2):
                raise RuntimeError(f"the function's process has ended:\n{self.log}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the function did nothing within {timeout_s} s:\n{self.log}")

    def next_invocation(self) -> Invocation | None:
        """Settle the last invocation and wait for another; None when the sandbox ends."""
        if self._current is not None:
            self._current.recorded.next_poll_ns = time.monotonic_ns()
            self._current.recorded.settled.set()
        self._initialised.set()
        self._current = self._invocations.get()
        return self._current

    def current(self, invoke_id: str) -> Invocation:
        """Return the invocation a result was posted for; there is one at a time."""
        if self._current is None or self._current.recorded.invoke_id != invoke_id:
            raise LookupError(f"a result for {invoke_id}, which is not in progress")
        return self._current

    def fail_init(self, error: bytes) -> None:
        """Record an error during the start."""
        self.init_error = json.loads(error)
        self._initialised.set()
