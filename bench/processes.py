"""Starts and stops the processes that are measured."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.caller import Endpoint

ROOT = Path(__file__).parent.parent
_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Running:
    """A process and its port."""

    pid: int
    port: int

    def cpu_ms(self) -> float:
        """The processor time that it has used; 0 on systems without /proc."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return 0.0
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_MS


@dataclass(frozen=True, slots=True)
class Bench:
    """The endpoints to compare, and their processes."""

    endpoints: dict[str, Endpoint]
    processes: dict[str, Running]


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_bench(data_dir: Path) -> Iterator[Bench]:
    """The upstream, the bare pass-through and the gateway, ready."""
    upstream_port, bare_port, gateway_port = free_port(), free_port(), free_port()
    private = {"PRIVATE_PROVIDER_HOSTS": f"127.0.0.1:{upstream_port}"}
    gateway = ["-m", "switchboard_local", "--port", str(gateway_port), "--data-dir", str(data_dir)]
    key_file = data_dir / "gateway-key"
    with (
        process(["-m", "bench.upstream", str(upstream_port)], upstream_port, {}, lambda: listens(upstream_port)),
        process(["-m", "bench.pass_through", str(bare_port)], bare_port, {}, lambda: listens(bare_port)) as bare,
        process(gateway, gateway_port, private, lambda: key_file.exists() and listens(gateway_port)) as through,
    ):
        key = key_file.read_text().strip()
        yield Bench(
            endpoints={
                "pass-through": Endpoint(bare_port, "", upstream_port),
                "gateway": Endpoint(gateway_port, key, upstream_port),
            },
            processes={"pass-through": bare, "gateway": through},
        )


@contextmanager
def process(
    arguments: list[str], port: int, environment: dict[str, str], is_ready: Callable[[], bool]
) -> Iterator[Running]:
    """A Python process that is ready, and runs until the block ends."""
    started = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    try:
        _await(started, is_ready)
        yield Running(started.pid, port)
    finally:
        started.terminate()
        started.wait(timeout=15)


def _await(started: "subprocess.Popen[bytes]", is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_ready():
        if started.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{started.args!r} did not start (exit code {started.returncode})")
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether a process listens on that local port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
