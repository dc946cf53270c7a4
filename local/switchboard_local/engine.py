"""Runs a local DynamoDB engine while a block runs.

The engine is dynoxide if its binary is installed, else Amazon's DynamoDB Local if there is Docker.
"""

import http.client
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKER_IMAGE = "amazon/dynamodb-local"
_DYNOXIDE_START_S = 10.0
_DOCKER_START_S = 300.0  # the first start fetches the image
_STOP_S = 10.0
_POLL_S = 0.005

# The engine must not outlive this process, even if it is killed. No portable signal tells a child of that, but on every
# system this end of a pipe closes. The shell waits for that and ends the engine by its id.
_GUARD = """
exec 3<&0
"$@" 3<&- </dev/null &
engine=$!
{ read -r _ <&3; kill "$engine"; } 2>/dev/null &
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


class EngineFailed(Exception):
    """The engine ended, or did not answer in time. The message has the end of its log."""


@contextmanager
def running_engine(data_dir: Path, *, host: str = "127.0.0.1", port: int | None = None) -> Iterator[str]:
    """Run the engine on the data in that folder while the block runs. Yields its endpoint once it answers.

    `host` is the address it listens on; the endpoint always names loopback. If no `port` is given, a free one is taken.
    Raises EngineMissing or EngineFailed.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    port = _free_port(host, port or 0)
    command, timeout_s = engine_command(data_dir.resolve(), host, port)
    log_path = data_dir / "engine.log"
    with (
        log_path.open("wb") as log,
        subprocess.Popen(  # noqa: S603 - a fixed command
            ["/bin/sh", "-c", _GUARD, "engine", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C does not reach the engine: calls in progress can still be written
        ) as guard,
    ):
        try:
            _wait_until_it_answers(guard, port, timeout_s, log_path)
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(guard)


def engine_command(data_dir: Path, host: str, port: int) -> tuple[Sequence[str], float]:
    """The command that starts this machine's engine, and how many seconds it may take to answer."""
    binary = dynoxide_path()
    if binary.exists():
        database = data_dir / "dynamodb.sqlite"
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


def _wait_until_it_answers(guard: subprocess.Popen[bytes], port: int, timeout_s: float, log_path: Path) -> None:
    deadline = time.monotonic() + timeout_s
    while not _answers(port):
        if _has_ended(guard):
            raise EngineFailed(f"The DynamoDB engine ended at its start: {_log_tail(log_path)}")
        if time.monotonic() > deadline:
            raise EngineFailed(f"The DynamoDB engine did not answer within {timeout_s:.0f} s: {_log_tail(log_path)}")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
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


def _log_tail(log_path: Path) -> str:
    return log_path.read_text(errors="replace").strip()[-500:] or "its log is empty"


def _stop(guard: subprocess.Popen[bytes]) -> None:
    if guard.stdin:
        guard.stdin.close()
    try:
        guard.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(guard.pid, signal.SIGKILL)  # it has its own session, which includes the engine
