"""Serves an ASGI application on one event loop until Ctrl-C, then lets calls in progress finish."""

import asyncio
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import override

import uvicorn

from switchboard_local.errors import CannotStart, UsageError
from switchboard_local.http_protocol import LocalHttpProtocol
from switchboard_local.last_records import LastRecords
from switchboard_local.signals import ending_signals, is_a_second
from switchboard_local.system import App

GRACE_S = 3
"""How long calls in progress may take after the first Ctrl-C. A second Ctrl-C cancels them."""
KEEP_ALIVE_S = 75  # a voice agent calls about every 9 s
BACKLOG = 512
MAX_PORT = 65_535
SWITCH_INTERVAL_S = 0.0005
"""How long a thread that writes traces may delay the event loop. Python's default of 5 ms adds latency to streams."""


def listen(port_text: str) -> socket.socket:
    """A socket that listens on loopback; port 0 takes a free one. Raises UsageError or CannotStart."""
    if not (port_text.isascii() and port_text.isdigit() and int(port_text) <= MAX_PORT):
        raise UsageError(f"PORT must be a number from 1 to {MAX_PORT}, not {port_text!r}.")
    # asyncio turns Nagle's algorithm off (40 ms a chunk) only if the socket names its protocol, TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", int(port_text)))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"Port {port_text} on 127.0.0.1 cannot be used: {error.strerror}. "
            "Choose another, as in `make run PORT=8010`."
        ) from error
    return listener


async def serve(app: App, listener: socket.socket, is_ready: Callable[[], None], last_records: LastRecords) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. `is_ready` is called once requests are answered."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    config = uvicorn.Config(
        app,
        http=LocalHttpProtocol,
        ws="none",
        log_config=None,
        access_log=False,  # a path may contain a secret that was pasted into it
        lifespan="off",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, is_ready)
    loop = asyncio.get_running_loop()
    for number in ending_signals():
        loop.add_signal_handler(number, server.end, number)
    await server.serve([listener])
    await last_records.write(server.server_state.tasks, server.hurry)


class _Server(uvicorn.Server):
    """uvicorn's server, which a signal ends without being raised again afterwards."""

    def __init__(self, config: uvicorn.Config, is_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._is_ready = is_ready
        self._ended_at = 0.0
        self.hurry = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.freeze()  # a collection that goes through everything imported would hold every call up for 30 ms
        self._is_ready()

    def end(self, number: signal.Signals) -> None:
        """Let calls in progress finish. A second signal cancels them, and sets `hurry`."""
        if not self.should_exit:
            self._ended_at = time.monotonic()
            self.should_exit = True
        elif is_a_second(number, time.monotonic() - self._ended_at):
            self.hurry.set()
            for task in self.server_state.tasks:
                task.cancel()

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield
