"""`python -m bench.fairness`: what a quiet project's calls lose while another project's are hostile.

Prints a row for each kind of attack: the quiet project's TTFT beside that of the rounds without an attack, the longest
time that the gateway's event loop stood still, and whether every answer was complete. Needs two cores: the gateway runs
on the second one by itself.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from statistics import median

from bench.caller import Endpoint, in_turn
from bench.fairness.attacks import ATTACKS, Places
from bench.fairness.gateway import KEYS
from bench.processes import ROOT, free_port, listens
from bench.upstream import Pace

PACE = Pace(think_ms=30, chunks=10, gap_ms=5)
CALLS = 40


@dataclass(frozen=True, slots=True)
class Round:
    """The quiet project's calls during one attack (None: without one). `stall_ms`: the loop's longest stall."""

    attack: str | None
    ttfts_ms: tuple[float, ...]
    stall_ms: float
    complete: bool


async def measure(names: list[str]) -> list[Round]:
    """A round without an attack before each one with it."""
    with _running() as (gateway, places, upstream_port):
        quiet = Endpoint(places.gateway, KEYS["quiet"], upstream_port)
        await in_turn(quiet, PACE, CALLS)  # warms the gateway up
        rounds: list[Round] = []
        attacks: list[str | None] = [attack for name in names for attack in (None, name)]
        _longest_stall_ms(gateway)
        for attack in attacks:
            rounds.append(await _round(gateway, quiet, places, attack))
            print(_row(rounds[-1]), file=sys.stderr)
        return rounds


async def _round(gateway: "subprocess.Popen[str]", quiet: Endpoint, places: Places, attack: str | None) -> Round:
    with _attacking(attack, places):
        received = await in_turn(quiet, PACE, CALLS)
    complete = all(b"[DONE]" in one.body and b"word9 " in one.body for one in received)
    ttfts = tuple(one.ttft_ms - PACE.think_ms for one in received)
    return Round(attack, ttfts, _longest_stall_ms(gateway), complete)


@contextmanager
def _attacking(attack: str | None, places: Places) -> Iterator[None]:
    """The hostile callers in a process of their own, so that reading their answers delays no quiet caller."""
    if attack is None:
        yield
        return
    command = [sys.executable, "-m", "bench.fairness.attacks", attack, *map(str, astuple(places))]
    hostile = subprocess.Popen(["nice", *command], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        hostile.kill()
        hostile.wait()


def _longest_stall_ms(gateway: "subprocess.Popen[str]") -> float:
    assert gateway.stdout is not None
    gateway.send_signal(signal.SIGUSR1)
    return float(json.loads(gateway.stdout.readline())["longest_ms"])


@contextmanager
def _running() -> Iterator[tuple["subprocess.Popen[str]", Places, int]]:
    gateway_port, provider_port, upstream_port, nothing = (free_port() for _ in range(4))
    allowed = ",".join(f"127.0.0.1:{port}" for port in (provider_port, upstream_port, nothing))
    commands = [
        ["bench.fairness.gateway", str(gateway_port), allowed],
        ["bench.fairness.provider", str(provider_port)],
        ["bench.upstream", str(upstream_port)],
    ]
    started = [
        subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    try:
        _give_cores(started[0].pid)
        deadline = time.monotonic() + 30
        while not all(listens(port) for port in (gateway_port, provider_port, upstream_port)):
            if time.monotonic() > deadline:
                raise RuntimeError("a process of the bench did not start")
            time.sleep(0.05)
        yield started[0], Places(gateway_port, provider_port, nothing), upstream_port
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=15)


def _give_cores(gateway_pid: int) -> None:
    """The last core for the gateway, the others for everything else, where the system can do that."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(gateway_pid, {cores[-1]})
        os.sched_setaffinity(0, set(cores[:-1]))


def _row(found: Round) -> str:
    ttfts = sorted(found.ttfts_ms)
    return (
        f"{found.attack or '(no attack)':44} TTFT +{median(ttfts):6.1f} p50 {ttfts[-1]:7.1f} worst"
        f"  stall {found.stall_ms:7.1f} ms  {'complete' if found.complete else 'INCOMPLETE'}"
    )


def _summary(rounds: list[Round]) -> str:
    def p99(hostile: bool) -> float:
        ttfts = sorted(ttft for one in rounds if (one.attack is not None) is hostile for ttft in one.ttfts_ms)
        return ttfts[int(len(ttfts) * 0.99)]

    stall = max((one for one in rounds if one.attack), key=lambda one: one.stall_ms)
    return (
        f"TTFT p99: {p99(hostile=False):.1f} ms without an attack, {p99(hostile=True):.1f} ms with one; "
        f"longest stall {stall.stall_ms:.1f} ms ({stall.attack}), "
        f"{max(one.stall_ms for one in rounds if not one.attack):.1f} ms without an attack"
    )


if __name__ == "__main__":
    print(_summary(asyncio.run(measure(sys.argv[1:] or list(ATTACKS)))))
