"""Runs the fault matrix: a gateway, three scripted upstreams, and the addresses that have none."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import httpx

from gateway.relay import exchange, flow
from gateway.upstream import client, transport
from switchboard.domain.trace import Trace
from testkit.fault_matrix import CELL_OF, CELLS, PROVIDER_OF, PROVIDERS, WHOLE_CALL_MS, Cell, Position
from testkit.faults import BOOM, GOOD, Address, Effect, Stale, good
from testkit.loop_lag import LoopLag, loop_lag
from testkit.running_gateway import PROJECT, RunningGateway, chat, running_gateway
from testkit.upstream import Answer, End, Request, ScriptedUpstream

UNRESOLVABLE = "nowhere.invalid"
BACKOFF_MS = 5

UNACKNOWLEDGED_MS = 300
FINISH_GRACE_MS = 1000
ERROR_BODY_S = 1.0
DEAD_WITHIN_S = 5.0
"""The gateway's timers in the matrix. The first two are shorter than on Lambda. The last two are longer, so that an
error's body or a reset that is late on a busy machine does not count as missing."""

POLL_S = 0.002

WARM = "warm"
"""The model of a call that belongs to no cell."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a cell's call led to. `requests`: how many each scripted upstream had; `lag_ms`: how late the loop was."""

    response: httpx.Response
    trace: Trace
    kept: bytes | None
    requests: tuple[int, ...]
    lag_ms: float


@dataclass(slots=True)
class FaultTargets:
    """Three scripted upstreams, which know a request's cell by its model."""

    upstreams: list[ScriptedUpstream] = field(default_factory=list)
    _requests: Counter[tuple[str, int]] = field(default_factory=Counter)

    def requests(self, cell: Cell) -> tuple[int, ...]:
        """How many of the cell's requests each upstream has had."""
        return tuple(self._requests[cell.name, number] for number in range(len(PROVIDERS)))

    def reached_fault(self, cell: Cell) -> bool:
        """Whether the cell's first target at fault has had its request."""
        return any(cell.is_at_fault(number) and requests for number, requests in enumerate(self.requests(cell)))

    def answer_of(self, number: int) -> Callable[[Request], Answer]:
        """What the upstream of that number does with a request."""
        return lambda request: self._answer(number, request)

    def _answer(self, number: int, request: Request) -> Answer:
        cell = CELL_OF.get(request.json["model"])
        if cell is None:
            return good(PROVIDERS[number], streamed=False)
        self._requests[cell.name, number] += 1
        case = GOOD
        if cell.is_at_fault(number):
            is_repeat = cell.position is Position.ALONE and self._requests[cell.name, number] > 1
            case = GOOD if is_repeat else cell.case
            if cell.fault.stale is Stale.RESET and request.connection == 1:
                return Answer(before_headers=[End.RESET])
        elif cell.position in (Position.SECOND, Position.LAST) and not any(map(cell.is_at_fault, range(number))):
            case = BOOM
        if case.answer is not None:
            return case.answer
        return good(PROVIDERS[number], streamed=cell.streamed, garbage=case.garbage, end=case.end)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Runs cells. Those of a group run at the same time; one that fails leaves the others' results as they are."""

    targets: FaultTargets
    lag: LoopLag
    gateway: RunningGateway
    short_gateway: RunningGateway
    """A gateway whose call timeout is short: for whole calls that use all of it."""
    _results: dict[str, Result | BaseException] = field(default_factory=dict)

    async def result(self, cell: Cell) -> Result:
        """The cell's result; its group runs on the first call. Raises what went wrong with this cell."""
        if cell.name not in self._results:
            group = [other for other in CELLS if _group(other) == _group(cell)]
            self._results.update(zip([other.name for other in group], await self._run(group), strict=True))
        result = self._results[cell.name]
        if isinstance(result, BaseException):
            raise result
        return result

    async def _run(self, cells: Sequence[Cell]) -> list[Result | BaseException]:
        if cells[0].fault.stale is not None:
            return await asyncio.gather(*(_run_stale(cell, self.lag) for cell in cells), return_exceptions=True)
        running = []
        for cell in cells:
            call = asyncio.create_task(_call(self._gateway_of(cell), cell, self.targets, self.lag))
            running.append(call)
            # One call after the other gets to its fault: started all at once, they would delay each other.
            while not (call.done() or self.targets.reached_fault(cell)):  # noqa: ASYNC110 - counted in another thread
                await asyncio.sleep(POLL_S)
        return await asyncio.gather(*running, return_exceptions=True)

    def _gateway_of(self, cell: Cell) -> RunningGateway:
        return self.short_gateway if cell.case.effect is Effect.LATE and not cell.streamed else self.gateway


def _group(cell: Cell) -> tuple[str, bool]:
    """Cells that wait for a timer all run together: the sum of their waits would be most of the matrix's time."""
    return ("waits", True) if cell.case.waits else (cell.fault.name, cell.streamed)


async def _call(gateway: RunningGateway, cell: Cell, targets: FaultTargets, lag: LoopLag) -> Result:
    lag_before_ms = lag.total_ms
    with _waiting_for(f"the answer of {cell.name}", lag, lag_before_ms):
        response = await gateway.call(chat(model=cell.name, stream=cell.streamed), x_inference_task_id=cell.name)
    with _waiting_for(f"the trace of {cell.name}, answered {response.status_code}", lag, lag_before_ms):
        trace = await gateway.trace_of(response)
    lag_ms = lag.total_ms - lag_before_ms
    return Result(response, trace, gateway.bodies(trace).response, targets.requests(cell), lag_ms)


@contextmanager
def _waiting_for(what: str, lag: LoopLag, lag_before_ms: float) -> Iterator[None]:
    """A failure of the block says what it waited for, and how late the event loop was meanwhile."""
    try:
        yield
    except (AssertionError, httpx.HTTPError) as error:
        late_ms = lag.total_ms - lag_before_ms
        raise AssertionError(f"could not get {what} (the event loop was {late_ms:.0f} ms late): {error!r}") from error


async def _run_stale(cell: Cell, lag: LoopLag) -> Result:
    """A cell whose target has answered a call before, over a connection that is unusable now."""
    number = next(filter(cell.is_at_fault, range(len(PROVIDERS))))
    with fault_targets() as targets:
        async with _gateway(targets, [cell]) as gateway:
            upstream = targets.upstreams[number]
            warm = await gateway.call(chat(model=WARM, stream=False), x_inference_provider=PROVIDERS[number])
            await gateway.trace_of(warm)
            assert upstream.connections_opened == 1
            if cell.fault.stale is Stale.CLOSED:
                upstream.end_idle()
            elif cell.fault.stale is Stale.DROPPED:
                upstream.blackhole_idle()
            result = await _call(gateway, cell, targets, lag)
            assert upstream.connections_opened == 2
            return result


@contextmanager
def fault_targets() -> Iterator[FaultTargets]:
    """The three scripted upstreams, running."""
    targets = FaultTargets()
    with ExitStack() as stack:
        for number in range(len(PROVIDERS)):
            targets.upstreams.append(stack.enter_context(ScriptedUpstream(respond=targets.answer_of(number))))
        yield targets


@asynccontextmanager
async def fault_matrix() -> AsyncIterator[Matrix]:
    """The matrix on the running event loop."""
    with fault_targets() as targets, _refusing_port() as refuses, _unresolvable_name(), _matrix_timers():
        async with _server_without_tls() as no_tls, loop_lag() as lag, AsyncExitStack() as stack:
            urls = {
                PROVIDER_OF[Address.REFUSES]: f"http://{refuses}",
                PROVIDER_OF[Address.NO_TLS]: f"https://{no_tls}",
                PROVIDER_OF[Address.UNRESOLVABLE]: f"http://{UNRESOLVABLE}",
            }
            long = await stack.enter_async_context(_gateway(targets, CELLS, urls))
            short = await stack.enter_async_context(_gateway(targets, CELLS, urls, call_timeout_ms=str(WHOLE_CALL_MS)))
            yield Matrix(targets, lag, long, short)


@asynccontextmanager
async def _gateway(
    targets: FaultTargets, cells: Sequence[Cell], others: Mapping[str, str] | None = None, call_timeout_ms: str = ""
) -> AsyncIterator[RunningGateway]:
    """A gateway with the cells' policies. `others`: URLs of the providers without an upstream, by name."""
    upstreams = zip(PROVIDERS, targets.upstreams, strict=True)
    urls = {name: f"http://{upstream.host}" for name, upstream in upstreams} | dict(others or {})
    async with running_gateway(
        *(url.partition("://")[2] for url in urls.values()),
        provider_base_urls=",".join(f"{name}={url}" for name, url in urls.items()),
        keyless_providers=",".join(urls),
        retry_backoff_ms=str(BACKOFF_MS),
        retry_budget_percent="100",
        call_timeout_ms=call_timeout_ms,
    ) as gateway:
        for cell in cells:
            gateway.store.put_policy(PROJECT, cell.name, cell.policy)
        yield gateway


@contextmanager
def _refusing_port() -> Iterator[str]:
    """A port that is bound and has no listener."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@asynccontextmanager
async def _server_without_tls() -> AsyncIterator[str]:
    """A server that closes every connection at once."""
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextmanager
def _unresolvable_name() -> Iterator[None]:
    """One host name fails to resolve at once, whatever resolver the machine has."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        if host == UNRESOLVABLE:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return resolve(host, *arguments, **options)

    with patch.object(socket, "getaddrinfo", getaddrinfo):
        yield


@contextmanager
def _matrix_timers() -> Iterator[None]:
    with (
        patch.object(transport, "UNACKNOWLEDGED_MS", UNACKNOWLEDGED_MS),
        patch.object(flow, "FINISH_GRACE_MS", FINISH_GRACE_MS),
        patch.object(exchange, "ERROR_BODY_S", ERROR_BODY_S),
        patch.object(client, "DEAD_WITHIN_S", DEAD_WITHIN_S),
    ):
        yield
