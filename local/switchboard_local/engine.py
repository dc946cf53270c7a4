"""Runs a local DynamoDB engine while a block runs.

The engine is dynoxide if its binary is installed, else Amazon's DynamoDB Local if there is Docker.
"""

import http.client
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from switchboard_local.engine_database import FILE, index_stream_records
from switchboard_local.engine_host import hidden_host, reachable
from switchboard_local.supervision import Process, StartFailed

ROOT = Path(__file__).resolve().parents[2]
DOCKER_IMAGE = "amazon/dynamodb-local"
_DYNOXIDE_START_S = 10.0
_DOCKER_START_S = 300.0  # the first start fetches the image
_STOP_S = 2.0
"""Then it is killed, which costs no data: what it has acknowledged is in its write-ahead log."""
_DAMAGED = re.compile(r"malformed|not a valid SQLite database|not a database")
_DYNOXIDE_LISTENS = "Dynoxide listening on"
_POLL_S = 0.005

# The engine must not outlive this process, even if it is killed. No portable signal tells a child of that, but on every
# system this end of a pipe closes. The shell waits for that and ends the engine by its id, also one that was suspended
# or hangs: the next run would otherwise share its database with it.
_GUARD = """
exec 3<&0
"$@" 3<&- </dev/null &
engine=$!
{ read -r _ <&3; kill "$engine"; kill -CONT "$engine"; sleep 2; kill -KILL "$engine"; } 2>/dev/null &
guard=$!
wait "$engine"
status=$?
kill "$guard" 2>/dev/null
exit "$status"
"""


class EngineMissing(Exception):
    """No DynamoDB engine can be started on this machine."""

    def __init__(self) -> None:
        super().__init__(
            f"There is no DynamoDB engine for {sys.platform}/{platform.machine()} here: install Docker and try again, "
            "or set DYNAMODB_ENDPOINT to any DynamoDB endpoint, for example http://127.0.0.1:8001 after "
            f"`docker run -p 8001:8000 {DOCKER_IMAGE}`."
        )


class EngineFailed(StartFailed):
    """The engine ended, or did not answer in time. The message has the end of its log."""


def what_to_do(reason: str, data_dir: Path) -> str:
    """The engine's own reason, and what helps where its database is damaged."""
    if not _DAMAGED.search(reason):
        return reason
    return (
        f"the database in {data_dir} is damaged ({reason.rstrip('.')}). Put a copy of dynamodb.sqlite back, or move it "
        "and the files beside it that begin with its name away: the next start makes an empty one."
    )


@contextmanager
def running_engine(data_dir: Path, *, host: str | None = None, port: int | None = None) -> Iterator[str]:
    """Run the engine on the data in that folder while the block runs. Yields its endpoint once it answers.

    Raises EngineMissing or EngineFailed. For the other parameters see `Engine.on`.
    """
    engine = Engine.on(data_dir, host=host, port=port)
    process = engine.spawn()
    try:
        engine.wait_until_ready(process)
        yield engine.endpoint
    finally:
        engine.stop(process)


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine for the data in a folder. It can be started again at the same address, on the same data."""

    data_dir: Path
    host: str
    port: int
    name: str = "database engine"
    log_name: str = "engine.log.1"

    @classmethod
    def on(cls, data_dir: Path, *, host: str | None = None, port: int | None = None) -> "Engine":
        """An engine that listens on `host` and `port`; by default where no web page finds it.

        Raises EngineFailed if the port is taken.
        """
        host = host or hidden_host()
        return cls(data_dir, host, _free_port(host, port or 0))

    @property
    def endpoint(self) -> str:
        """Its address for this machine."""
        return f"http://{reachable(self.host)}:{self.port}"

    @property
    def log(self) -> Path:
        """What it prints, since its last start."""
        return self.data_dir / "engine.log"

    def spawn(self) -> Process:
        """Start it. Raises EngineMissing or EngineFailed."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            command, _ = engine_command(self.data_dir.resolve(), self.host, self.port)
            if self.log.is_file():
                self.log.replace(self.log.with_suffix(".log.1"))  # it may tell why the engine ended
            with self.log.open("wb") as log:
                return subprocess.Popen(  # noqa: S603 - a fixed command
                    ["/bin/sh", "-c", _GUARD, "engine", *command],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C does not reach the engine: calls in progress can still be written
                )
        except OSError as error:
            raise EngineFailed(f"The DynamoDB engine cannot write {error.filename}: {error.strerror}.") from error

    def wait_until_ready(self, process: Process) -> None:
        """Return once it answers. Raises EngineFailed.

        Another process may have taken its port since that was chosen: an answer counts only if the engine itself has
        printed that it listens.
        """
        command, timeout_s = engine_command(self.data_dir.resolve(), self.host, self.port)
        deadline = time.monotonic() + timeout_s
        listens = _DYNOXIDE_LISTENS if command[0] == str(dynoxide_path()) else ""
        while not (listens in self._printed() and _answers(reachable(self.host), self.port)):
            if _has_ended(process):
                raise EngineFailed(f"The DynamoDB engine ended at its start: {self._last_words()}")
            if time.monotonic() > deadline:
                raise EngineFailed(f"The DynamoDB engine did not answer within {timeout_s:.0f} s: {self._last_words()}")
        index_stream_records(self.data_dir)

    def stop(self, process: Process) -> None:
        """End it, whether its guard still runs or not."""
        if process.stdin:
            with suppress(OSError):
                process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # it has its own session, which includes the engine
        process.wait()

    def _printed(self) -> str:
        return self.log.read_text(errors="replace")

    def _last_words(self) -> str:
        words = " ".join(self._printed().split())[-500:]
        return what_to_do(words, self.data_dir) if words else "its log is empty"


def engine_command(data_dir: Path, host: str, port: int) -> tuple[Sequence[str], float]:
    """The command that starts this machine's engine, and how many seconds it may take to answer."""
    binary = dynoxide_path()
    if binary.exists():
        database = data_dir / FILE
        return [
            str(binary),
            "serve",
            "--host",
            host,
            "--port",
            str(port),
            "--db-path",
            str(database),
        ], _DYNOXIDE_START_S
    if docker := shutil.which("docker"):
        return [docker, *_docker_arguments(data_dir, host, port)], _DOCKER_START_S
    raise EngineMissing


def dynoxide_path() -> Path:
    """The path at which npm installs the binary for this platform. It may not exist."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())
    return ROOT / "node_modules" / "@dynoxide" / f"{sys.platform}-{machine}" / "dynoxide"


def _docker_arguments(data_dir: Path, host: str, port: int) -> list[str]:
    run = ["run", "--rm", "--publish", f"{host}:{port}:8000", "--volume", f"{data_dir}:/data"]
    user = ["--user", f"{os.getuid()}:{os.getgid()}"]  # otherwise the files would belong to the image's user
    return [*run, *user, DOCKER_IMAGE, "-jar", "DynamoDBLocal.jar", "-sharedDb", "-dbPath", "/data"]


def _free_port(host: str, wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise EngineFailed(f"The DynamoDB engine cannot listen on {host}:{wanted}: {error.strerror}") from error
        port: int = probe.getsockname()[1]
        return port


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()


def _has_ended(guard: subprocess.Popen[bytes]) -> bool:
    try:
        guard.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True
