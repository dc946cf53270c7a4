"""A scripted provider: a real HTTP server on loopback that answers each request exactly as a test defines.

    upstream.answers(
        Answer([chunk("Hel"), 0.05, chunk("lo"), finish(), usage(3, 2), DONE]),  # 0.05 s between two chunks
        Answer([chunk("Hel"), gate, chunk("lo"), End.RESET]),                    # waits for gate.open(), then RST
        Answer(before_headers=[End.HANG]),                                       # never answers
        json_answer({"error": {"message": "slow down"}}, 429, {"retry-after": "7"}),
    )

The builders of chunks are in `testkit.openai_events`, the steps of a script in `testkit.upstream_script`.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from testkit.upstream_script import (
    EVENT_STREAM,
    PATIENCE_S,
    Answer,
    End,
    Framing,
    Gate,
    Raw,
    Request,
    Step,
    in_time,
    json_answer,
)
from testkit.upstream_wire import CAN_BLACKHOLE, CallerReader, Connection

__all__ = [
    "CAN_BLACKHOLE",
    "EVENT_STREAM",
    "Answer",
    "End",
    "Framing",
    "Gate",
    "Raw",
    "Request",
    "ScriptedUpstream",
    "Step",
    "json_answer",
]


class ScriptedUpstream:
    """The server, with a thread and an event loop of its own; use it in a `with` block.

    Answers are sent in order, the last one repeatedly. If `respond` is given, it chooses the answer instead.
    """

    def __init__(self, *answers: Answer, respond: Callable[[Request], Answer] | None = None) -> None:
        self.requests: list[Request] = []
        self._answers = deque(answers)
        self._choose = respond
        self._arrivals: dict[int, Future[Request]] = {}
        self._lock = threading.Lock()
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="scripted-upstream", daemon=True)
        self._port: Future[int] = Future()
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._port.result(PATIENCE_S)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)

    @property
    def host(self) -> str:
        """`127.0.0.1:port`, as in PRIVATE_PROVIDER_HOSTS."""
        return f"127.0.0.1:{self._port.result(PATIENCE_S)}"

    @property
    def base_url(self) -> str:
        """The provider URL: calls arrive at `/v1/chat/completions`."""
        return f"http://{self.host}/v1"

    def answers(self, *answers: Answer) -> None:
        """Replace the remaining answers by these."""
        with self._lock:
            self._answers = deque(answers)

    async def request(self, number: int = 1) -> Request:
        """The nth request of all, counted from 1, as soon as it has arrived; TimeoutError after five seconds."""
        with self._lock:
            if number <= len(self.requests):
                return self.requests[number - 1]
            arrival = self._arrivals.setdefault(number, Future())
        return await in_time(arrival)

    @property
    def connections_opened(self) -> int:
        """The number of connections so far."""
        return self._count

    def end_idle(self, how: End = End.CLOSE) -> None:
        """End every connection that waits for its next request; returns when that is done."""
        self._do(lambda connection: connection.end(how))

    def blackhole_idle(self) -> None:
        """Drop every packet on the idle connections, so that the next request is not even acknowledged.

        Linux only (`CAN_BLACKHOLE`).
        """
        self._do(Connection.blackhole)

    def _do(self, act: Callable[[Connection], None]) -> None:
        async def on_idle() -> None:
            for connection in self._connections:
                if connection.is_idle:
                    act(connection)

        self._within(on_idle())

    def _within(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def _respond(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            arrival = self._arrivals.pop(len(self.requests), None)
            if self._choose is not None:
                answer = self._choose(request)
            elif not self._answers:
                answer = json_answer({"error": {"message": "no answer was scripted"}}, 500)
            else:
                answer = self._answers[0] if len(self._answers) == 1 else self._answers.popleft()
        if arrival is not None:
            arrival.set_result(request)
        return answer

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await self._loop.create_server(self._accept, "127.0.0.1", 0)
        self._port.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        tasks = list(self._connections.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self) -> asyncio.StreamReaderProtocol:
        reader = CallerReader(limit=2**24)
        return asyncio.StreamReaderProtocol(reader, self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        assert isinstance(reader, CallerReader)
        connection = Connection(self._count, reader, writer, self._respond)
        task = self._loop.create_task(connection.serve())
        self._connections[connection] = task
        task.add_done_callback(lambda _done: self._connections.pop(connection))
