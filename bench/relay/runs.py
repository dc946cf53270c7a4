"""A run: three fresh providers, a fresh gateway where one is called, all calls, and what came of them."""

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
from bench.relay.callers import Callers, Heard, Way
from bench.relay.draws import Plot
from bench.relay.twins import Tally

PROVIDERS = ("groq", "together", "cerebras")
"""Names the gateway knows; their addresses here are the twins'."""

PATIENCE_MS, PLAN_MS = 2500, 15_000
"""The stack's default policy; a run in another time sets it to that time."""


class Kind(Enum):
    """The three ways to call."""

    DIRECT = "direct"
    FALLBACK = "fallback"
    HEDGING = "hedging"


@dataclass(frozen=True, slots=True)
class Run:
    """What came of all calls of one way. `tallies`: by provider. `gateway_cpu_share`: of one core, None where none."""

    kind: Kind
    plot: Plot
    heard: list[Heard]
    tallies: list[Tally]
    gateway_cpu_share: float | None


async def run(kind: Kind, plot: Plot, *, calls_a_second: float, scale: float) -> Run:
    """All calls of a plot, one way. `scale` shrinks every time but the pace at which calls come."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ports = stack.enter_context(_twins(plot, scale))
        gateway = None
        way = Way(kind.value, ports[0])
        if kind is not Kind.DIRECT:
            gateway, key = stack.enter_context(_gateway(ports, scale, Path(folder)))
            way = Way(kind.value, gateway.port, _headers(kind, key))
            await _warm_up(way)
        begun, cpu_ms = time.monotonic(), gateway.cpu_ms() if gateway else 0.0
        heard = await Callers(way, scale).call_all(plot.arrivals_s(calls_a_second))
        took_ms = (time.monotonic() - begun) * 1000
        share = (gateway.cpu_ms() - cpu_ms) / took_ms if gateway else None
        return Run(kind, plot, heard, [await _tally(port) for port in ports], share)


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


def _headers(kind: Kind, key: str) -> dict[str, str]:
    headers = {
        "authorization": f"Bearer {key}",
        "x-inference-task-id": "bench",
        "x-inference-provider": PROVIDERS[0],
        "x-inference-fallback": ",".join(f"{name}/llama" for name in PROVIDERS[1:]),
    }
    return headers | ({"x-inference-hedge-after-ms": "p95"} if kind is Kind.HEDGING else {})


async def _warm_up(way: Way) -> None:
    """A few calls that no provider of the run sees: a process's first ones fetch what the later ones find in place."""
    headers = {**way.headers, "x-inference-provider": "demo", "x-inference-fallback": ""}
    await Callers(Way(way.name, way.port, headers), 1.0).call_all([0.0, 0.2, 0.4])


async def _tally(port: int) -> Tally:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return Tally(**json.loads(answer.partition(b"\r\n\r\n")[2]))
