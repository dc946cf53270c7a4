"""AWS's Lambda runtime interface emulator, run on this machine without a container.

It shows what the platform does with a function's answers; `testkit.runtime_api` shows when each byte was sent.
"""

import http.client
import json
import platform
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from testkit.missing import missing
from testkit.runtime_command import REPOSITORY, command, environment
from testkit.runtime_recorded import DELIMITER

_INVOKE = "/2015-03-31/functions/function/invocations"
_BINARY = "samcli/local/rapid/aws-lambda-rie-{}"


def emulator_path() -> Path:
    """Return the emulator that comes with the SAM command line; without one the test skips, in CI it fails."""
    name = _BINARY.format({"aarch64": "arm64"}.get(platform.machine(), platform.machine()))
    sam = shutil.which("sam")
    roots = [REPOSITORY / ".tools/sam", *([Path(sam).resolve().parents[1]] if sam else [])]
    found = [path for root in roots for path in root.glob(f"lib/python3*/site-packages/{name}")]
    return found[0] if found else missing("AWS's Lambda runtime interface emulator is missing: `make sam` installs it")


@dataclass(frozen=True, slots=True)
class Answer:
    """The emulator's answer to one invocation. `status` is the emulator's; the function's is in the payload."""

    status: int
    payload: bytes

    @property
    def head(self) -> dict[str, Any]:
        """The prelude of a streamed response: `statusCode`, `headers`, `cookies`."""
        head: dict[str, Any] = json.loads(self.payload.partition(DELIMITER)[0])
        return head

    @property
    def body(self) -> bytes:
        """The payload after the prelude."""
        return self.payload.partition(DELIMITER)[2]

    @property
    def json(self) -> Any:
        """The document of a buffered result or an error."""
        return json.loads(self.payload)


class Emulator:
    """One emulated sandbox for `handler`; it starts the function at the first invocation."""

    def __init__(
        self, handler: str, env: Mapping[str, str] | None = None, *, streaming: bool = True, timeout_s: int = 30
    ) -> None:
        self._env = environment(handler, env, timeout_s=timeout_s)
        self._streaming = streaming
        self._client_timeout_s = timeout_s + 15
        self._one_at_a_time = threading.Lock()  # two calls at once crash the emulator
        self._log = tempfile.NamedTemporaryFile(prefix="emulator-", suffix=".log")  # noqa: SIM115 - closed in __exit__

    def __enter__(self) -> Self:
        for _ in range(3):  # another process may take a free port before the emulator does
            if self._start():
                return self
        raise RuntimeError(f"the emulator did not start:\n{self.log}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    @property
    def log(self) -> str:
        """The output of emulator and function so far."""
        return Path(self._log.name).read_text(errors="replace")

    def invoke(self, event: Any) -> Answer:
        """Invoke the function; returns when the function polls for its next event."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        with self._one_at_a_time:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._client_timeout_s)
            try:
                connection.request("POST", _INVOKE, body)
                response = connection.getresponse()
                return Answer(response.status, response.read())
            finally:
                connection.close()

    def _start(self) -> bool:
        self._port, runtime_port = _free_ports(2)
        addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"]
        addresses += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
        self._process = subprocess.Popen(
            [str(emulator_path()), *addresses, *command(streaming=self._streaming)],
            env=self._env,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return True
            time.sleep(0.01)
        return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
