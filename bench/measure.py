"""Runs the calls and computes the figures."""

from dataclasses import dataclass
from statistics import median, quantiles

from bench.caller import Received, at_once, in_turn
from bench.processes import Bench
from bench.upstream import Pace

ALONE = Pace(think_ms=40, chunks=6, gap_ms=0)
CROWD = Pace(think_ms=100, chunks=60, gap_ms=25)
WARM_UP_CALLS = 20
ROUNDS, CALLS_A_ROUND = 6, 30
STREAMS, CALLS_A_STREAM = 50, 3


@dataclass(frozen=True, slots=True)
class Added:
    """What an endpoint adds, in milliseconds. `complete`: whether every stream was complete."""

    endpoint: str
    streams: int
    ttft_p50_ms: float
    ttft_p99_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    latency_max_ms: float
    cpu_ms_a_call: float
    complete: bool


async def alone(bench: Bench) -> list[Added]:
    """One stream at a time. The endpoints alternate, so that other load on the machine affects both."""
    received: dict[str, list[Received]] = {name: [] for name in bench.endpoints}
    for endpoint in bench.endpoints.values():
        await in_turn(endpoint, ALONE, WARM_UP_CALLS)
    before = {name: process.cpu_ms() for name, process in bench.processes.items()}
    for _ in range(ROUNDS):
        for name, endpoint in bench.endpoints.items():
            received[name] += await in_turn(endpoint, ALONE, CALLS_A_ROUND)
    return [_added(name, 1, ALONE, received[name], bench, before[name]) for name in bench.endpoints]


async def crowd(bench: Bench) -> list[Added]:
    """Many streams at once, one endpoint after the other."""
    results = []
    for name, endpoint in bench.endpoints.items():
        before = bench.processes[name].cpu_ms()
        received = await at_once(endpoint, CROWD, STREAMS, CALLS_A_STREAM)
        results.append(_added(name, STREAMS, CROWD, received, bench, before))
    return results


def _added(name: str, streams: int, pace: Pace, received: list[Received], bench: Bench, cpu_before_ms: float) -> Added:
    ttfts = [one.ttft_ms - pace.think_ms for one in received]
    latencies = [latency for one in received for latency in one.latencies_ms]
    return Added(
        endpoint=name,
        streams=streams,
        ttft_p50_ms=median(ttfts),
        ttft_p99_ms=_p99(ttfts),
        latency_p50_ms=median(latencies),
        latency_p99_ms=_p99(latencies),
        latency_max_ms=max(latencies),
        cpu_ms_a_call=(bench.processes[name].cpu_ms() - cpu_before_ms) / len(received),
        complete=all(_is_complete(one, pace) for one in received),
    )


def _is_complete(one: Received, pace: Pace) -> bool:
    words = [f'"content": "word{number} "'.encode() for number in range(pace.chunks)]
    return one.body.endswith(b"data: [DONE]\n\n") and all(word in one.body for word in words)


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]
