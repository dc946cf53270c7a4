"""A run: three new providers, a new gateway if the mode needs one, all calls, and the results."""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bench.processes import Running, free_port, listens, process
from bench.relay.callers import Callers, Endpoint, Received
from bench.relay.draws import Plot
from bench.relay.twins import Tally

PROVIDERS = ("groq", "together", "cerebras")
"""Providers that the gateway knows. Their addresses are set to the twins'."""

PATIENCE_MS, PLAN_MS = 2500, 15_000
"""The times of the stack's default policy. A run multiplies them by its scale."""


class Mode(Enum):
    """The three modes."""

    DIRECT = "direct"
    FALLBACK = "fallback"
    HEDGING = "hedging"


@dataclass(frozen=True, slots=True)
class Run:
    """The results of one mode. `tallies`: by provider. `gateway_cpu_share`: of one core, None without a gateway."""

    mode: Mode
    plot: Plot
    received: list[Received]
    tallies: list[Tally]
    gateway_cpu_share: float | None


async def run(mode: Mode, plot: Plot, *, calls_a_second: float, scale: float) -> Run:
    """All calls of a plot in one mode. `scale` multiplies every time except the rate of calls."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ports = stack.enter_context(_twins(plot, scale))
        gateway = None
        endpoint = Endpoint(mode.value, ports[0])
        if mode is not Mode.DIRECT:
            gateway, key = stack.enter_context(_gateway(ports, scale, Path(folder)))
            endpoint = Endpoint(mode.value, gateway.port, _headers(mode, key))
            await _warm_up(endpoint)
        begun, cpu_ms = time.monotonic(), gateway.cpu_ms() if gateway else 0.0
        received = await Callers(endpoint, scale).call_all(plot.arrivals_s(calls_a_second))
        took_ms = (time.monotonic() - begun) * 1000
        share = (gateway.cpu_ms() - cpu_ms) / took_ms if gateway else None
        return Run(mode, plot, received, [await _tally(port) for port in ports], share)


@contextmanager
def _twins(plot: Plot, scale: float) -> Iterator[list[int]]:
    ports = [free_port() for _ in PROVIDERS]
    wanted = {"ports": ports, "calls": plot.calls, "hang_share": plot.hang_share, "seed": plot.seed, "scale": scale}
    arguments = ["-m", "bench.relay.twins", json.dumps(wanted)]
    with process(arguments, ports[0], {}, lambda: all(listens(port) for port in ports)):
        yield ports


@contextmanager
def _gateway(ports: list[int], scale: float, data_dir: Path) -> Iterator[tuple[Running, str]]:
    port, key_file = free_port(), data_dir / "gateway-key"
    environment = {
        "PROVIDER_BASE_URLS": ",".join(
            f"{name}=http://127.0.0.1:{twin}/v1" for name, twin in zip(PROVIDERS, ports, strict=True)
        ),
        "PRIVATE_PROVIDER_HOSTS": ",".join(f"127.0.0.1:{twin}" for twin in ports),
        "KEYLESS_PROVIDERS": ",".join(PROVIDERS),
    }
    if scale != 1:
        policy = {"ttft_timeout_ms": round(PATIENCE_MS * scale), "plan_timeout_ms": round(PLAN_MS * scale)}
        environment["DEFAULT_POLICY"] = json.dumps(policy)
    arguments = ["-m", "switchboard_local", "--port", str(port), "--data-dir", str(data_dir)]
    with process(arguments, port, environment, lambda: key_file.exists() and listens(port)) as running:
        yield running, key_file.read_text().strip()


def _headers(mode: Mode, key: str) -> dict[str, str]:
    headers = {
        "authorization": f"Bearer {key}",
        "x-inference-task-id": "bench",
        "x-inference-provider": PROVIDERS[0],
        "x-inference-fallback": ",".join(f"{name}/llama" for name in PROVIDERS[1:]),
    }
    return headers | ({"x-inference-hedge-after-ms": "p95"} if mode is Mode.HEDGING else {})


async def _warm_up(endpoint: Endpoint) -> None:
    """Make a few calls to the demo provider: a process's first calls take longer than the later ones."""
    headers = {**endpoint.headers, "x-inference-provider": "demo", "x-inference-fallback": ""}
    await Callers(Endpoint(endpoint.name, endpoint.port, headers), 1.0).call_all([0.0, 0.2, 0.4])


async def _tally(port: int) -> Tally:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return Tally(**json.loads(answer.partition(b"\r\n\r\n")[2]))
