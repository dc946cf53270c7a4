"""A gateway with two projects' keys and a store in memory, whose event loop is watched: one process of the bench."""

import asyncio
import gc
import json
import signal
import socket
import ssl
import sys
import time
from contextlib import aclosing
from datetime import UTC, datetime

import certifi
import uvicorn

from gateway.assembly import Dependencies, build
from gateway.domain.clock import Clock
from gateway.recording.telemetry import Telemetry
from gateway.settings import Settings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard_local.serve import SWITCH_INTERVAL_S
from testkit.memory_store import MemoryStore
from testkit.twins.gateway import DiscardingLog

KEYS = {"hostile": "sb-the-key-of-a-hostile-project", "quiet": "sb-the-key-of-a-quiet-project-00"}
HANGING_HOST = "names-hang.example.com"
NAMES_HANG_S = 3.0
LOOK_EVERY_S = 0.005

_resolve = socket.getaddrinfo


def _hang_or_resolve(host: str, *arguments: object, **named: object) -> object:
    if host == HANGING_HOST:
        time.sleep(NAMES_HANG_S)
        raise socket.gaierror(socket.EAI_AGAIN, "the name server did not answer")
    return _resolve(host, *arguments, **named)  # type: ignore[arg-type]


async def _watch(stalls_ms: list[float]) -> None:
    """Note how late the loop runs what is due."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK_EVERY_S
        await asyncio.sleep(LOOK_EVERY_S)
        stalls_ms.append((loop.time() - due) * 1000)


async def _serve(port: int, private_hosts: str) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    keys = [GatewayKey(digest(key), project, frozenset({Scope.CALL}), since) for project, key in KEYS.items()]
    settings = Settings.from_env({"TABLE_NAME": "in-memory", "PRIVATE_PROVIDER_HOSTS": private_hosts})
    trust = ssl.create_default_context(cafile=certifi.where())
    telemetry = Telemetry(DiscardingLog(), lambda _values, _dimensions: None)
    stalls_ms: list[float] = []
    async with aclosing(HttpUpstream(PrivateHosts.parse(private_hosts), trust)) as upstream:
        parts = Dependencies(MemoryStore(*keys), upstream, EnvironmentKeyring({}), telemetry, Clock())
        config = uvicorn.Config(
            build(settings, parts), port=port, lifespan="off", log_level="error", access_log=False, ws="none"
        )
        watching = asyncio.create_task(_watch(stalls_ms))
        # Asked for by its parent after each round: the longest stall since the last one.
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _report, stalls_ms)
        gc.freeze()  # as `make run` does
        await uvicorn.Server(config).serve()
        watching.cancel()


def _report(stalls_ms: list[float]) -> None:
    print(json.dumps({"longest_ms": max(stalls_ms, default=0.0)}), flush=True)
    stalls_ms.clear()


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # as `make run` does
    socket.getaddrinfo = _hang_or_resolve  # type: ignore[assignment]
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
