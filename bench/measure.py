"""The measurements, and what they come to."""

from dataclasses import dataclass
from statistics import median, quantiles

from bench.caller import Heard, at_once, in_turn
from bench.processes import Stage
from bench.upstream import Pace

ALONE = Pace(think_ms=40, chunks=6, gap_ms=0)
CROWD = Pace(think_ms=100, chunks=60, gap_ms=25)
WARM_UP_CALLS = 20
ROUNDS, CALLS_A_ROUND = 6, 30
STREAMS, CALLS_A_STREAM = 50, 3


@dataclass(frozen=True, slots=True)
class Added:
    """What a door adds. Milliseconds; `whole` says whether every stream arrived complete."""

    door: str
    streams: int
    ttft_p50_ms: float
    ttft_p99_ms: float
    way_p50_ms: float
    way_p99_ms: float
    way_max_ms: float
    cpu_ms_a_call: float
    whole: bool


async def alone(stage: Stage) -> list[Added]:
    """One stream at a time; the doors take turns, so that the machine's moods hit both."""
    heard: dict[str, list[Heard]] = {name: [] for name in stage.doors}
    for door in stage.doors.values():
        await in_turn(door, ALONE, WARM_UP_CALLS)
    before = {name: process.cpu_ms() for name, process in stage.processes.items()}
    for _ in range(ROUNDS):
        for name, door in stage.doors.items():
            heard[name] += await in_turn(door, ALONE, CALLS_A_ROUND)
    return [_added(name, 1, ALONE, heard[name], stage, before[name]) for name in stage.doors]


async def crowd(stage: Stage) -> list[Added]:
    """Many streams at once, one door after the other."""
    results = []
    for name, door in stage.doors.items():
        before = stage.processes[name].cpu_ms()
        heard = await at_once(door, CROWD, STREAMS, CALLS_A_STREAM)
        results.append(_added(name, STREAMS, CROWD, heard, stage, before))
    return results


def _added(name: str, streams: int, pace: Pace, heard: list[Heard], stage: Stage, cpu_before_ms: float) -> Added:
    ttfts = [one.ttft_ms - pace.think_ms for one in heard]
    ways = [way for one in heard for way in one.ways_ms]
    return Added(
        door=name,
        streams=streams,
        ttft_p50_ms=median(ttfts),
        ttft_p99_ms=_p99(ttfts),
        way_p50_ms=median(ways),
        way_p99_ms=_p99(ways),
        way_max_ms=max(ways),
        cpu_ms_a_call=(stage.processes[name].cpu_ms() - cpu_before_ms) / len(heard),
        whole=all(_is_whole(one, pace) for one in heard),
    )


def _is_whole(one: Heard, pace: Pace) -> bool:
    words = [f'"content": "word{number} "'.encode() for number in range(pace.chunks)]
    return one.body.endswith(b"data: [DONE]\n\n") and all(word in one.body for word in words)


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]
