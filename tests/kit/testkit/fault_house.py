"""Where the fault matrix is played: three twins behind a gateway, and what stands where there is no twin."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import httpx

from gateway.relay import flow
from gateway.upstream import transport
from switchboard.domain.trace import Trace
from testkit.fault_matrix import CELL_OF, CELLS, OTHERS, TWINS, WHOLE_MS, Cell, Place
from testkit.faults import BOOM, GOOD, Stale, Stand, Way, good
from testkit.running_gateway import PROJECT, RunningGateway, chat, running_gateway
from testkit.upstream import Answer, End, Request, ScriptedUpstream

NO_NAME = "nowhere.invalid"
BACKOFF_MS = 5
UNACKNOWLEDGED_MS = 300
"""After how long the gateway gives up a connection that acknowledges nothing."""

FINISH_GRACE_MS = 300
"""How long it waits for the end of a finished answer."""

STAGGER_S = 0.02
"""Between the calls of a row: begun in one moment, they would make each other late."""

WARM = "warm"
"""The model of calls that are of no cell."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a cell: what the caller got, what was kept, and how many requests each twin had."""

    response: httpx.Response
    trace: Trace
    kept: bytes | None
    asked: tuple[int, ...]


@dataclass(slots=True)
class House:
    """Three twins, who know by a call's model which cell it is of."""

    twins: list[ScriptedUpstream] = field(default_factory=list)
    _asked: Counter[tuple[str, int]] = field(default_factory=Counter)

    def asked(self, cell: Cell) -> tuple[int, ...]:
        """How many of the cell's requests each twin has had."""
        return tuple(self._asked[cell.name, number] for number in range(len(TWINS)))

    def answer_of(self, number: int) -> Callable[[Request], Answer]:
        """What the twin of that number does with a request."""
        return lambda request: self._answer(number, request)

    def _answer(self, number: int, request: Request) -> Answer:
        cell = CELL_OF.get(request.json["model"])
        if cell is None:
            return good(TWINS[number], streamed=False)
        self._asked[cell.name, number] += 1
        course = GOOD
        if cell.is_at_fault(number):
            is_again = cell.place is Place.ALONE and self._asked[cell.name, number] > 1
            course = GOOD if is_again else cell.course
            if cell.fault.stale is Stale.RESET and request.connection == 1:
                return Answer(before_headers=[End.RESET])
        elif cell.place in (Place.SECOND, Place.LAST) and not any(map(cell.is_at_fault, range(number))):
            course = BOOM
        if course.answer is not None:
            return course.answer
        return good(TWINS[number], streamed=cell.streamed, garbage=course.garbage, end=course.end)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Plays cells. Those that belong together are played at once: waiting takes no processor."""

    house: House
    gateway: RunningGateway
    short_of_time: RunningGateway
    _played: dict[str, Played] = field(default_factory=dict)

    async def played(self, cell: Cell) -> Played:
        """What came of the cell."""
        if cell.name not in self._played:
            row = [other for other in CELLS if _row(other) == _row(cell)]
            self._played.update(zip([other.name for other in row], await self._play(row), strict=True))
        return self._played[cell.name]

    async def _play(self, row: Sequence[Cell]) -> list[Played]:
        if row[0].fault.stale is not None:
            return list(await asyncio.gather(*map(_play_stale, row)))
        is_short = row[0].course.way is Way.LATE and not row[0].streamed
        return await _played(self.short_of_time if is_short else self.gateway, self.house, row)


def _row(cell: Cell) -> tuple[bool, str]:
    return cell.streamed, "late" if cell.course.way is Way.LATE else cell.fault.name


async def _played(gateway: RunningGateway, house: House, cells: Sequence[Cell]) -> list[Played]:
    responses = await asyncio.gather(*(_call(gateway, cell, number * STAGGER_S) for number, cell in enumerate(cells)))
    traces = {trace.trace_id: trace for trace in [await gateway.trace() for _ in cells]}
    found = [traces[response.headers["x-inference-trace-id"]] for response in responses]
    return [
        Played(response, trace, gateway.bodies(trace).response, house.asked(cell))
        for cell, response, trace in zip(cells, responses, found, strict=True)
    ]


async def _call(gateway: RunningGateway, cell: Cell, after_s: float) -> httpx.Response:
    await asyncio.sleep(after_s)
    return await gateway.call(chat(model=cell.name, stream=cell.streamed), x_inference_task_id=cell.name)


async def _play_stale(cell: Cell) -> Played:
    """A cell whose target has served a call before, over a connection that is no good any more."""
    number = next(filter(cell.is_at_fault, range(len(TWINS))))
    with three_twins() as house:
        async with _gateway(house, [cell]) as gateway:
            twin = house.twins[number]
            await gateway.call(chat(model=WARM, stream=False), x_inference_provider=TWINS[number])
            await gateway.trace()
            assert twin.connections_opened == 1
            if cell.fault.stale is Stale.ENDED:
                twin.end_idle()
            elif cell.fault.stale is Stale.SWALLOWED:
                twin.blackhole_idle()
            [played] = await _played(gateway, house, [cell])
            assert twin.connections_opened == 2
            return played


@contextmanager
def three_twins() -> Iterator[House]:
    """The three targets."""
    house = House()
    with ExitStack() as stack:
        for number in range(len(TWINS)):
            house.twins.append(stack.enter_context(ScriptedUpstream(respond=house.answer_of(number))))
        yield house


@asynccontextmanager
async def fault_matrix() -> AsyncIterator[Matrix]:
    """The matrix, ready to be played on the running event loop."""
    with three_twins() as house, _nobody() as nobody, _no_name(), _impatient_sockets():
        async with _no_tls() as no_tls, AsyncExitStack() as stack:
            others = {Stand.NOBODY: f"http://{nobody}", Stand.NO_TLS: f"https://{no_tls}"}
            others[Stand.NO_NAME] = f"http://{NO_NAME}"
            urls = {OTHERS[stand]: url for stand, url in others.items()}
            long = await stack.enter_async_context(_gateway(house, CELLS, urls))
            short = await stack.enter_async_context(_gateway(house, CELLS, urls, call_timeout_ms=str(WHOLE_MS)))
            yield Matrix(house, long, short)


@asynccontextmanager
async def _gateway(
    house: House, cells: Sequence[Cell], others: Mapping[str, str] | None = None, call_timeout_ms: str = ""
) -> AsyncIterator[RunningGateway]:
    """A gateway that knows the twins, the others' URLs by provider, and the policies of the cells."""
    urls = {name: f"http://{twin.host}" for name, twin in zip(TWINS, house.twins, strict=True)} | dict(others or {})
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
def _nobody() -> Iterator[str]:
    """A port that is taken, and that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@asynccontextmanager
async def _no_tls() -> AsyncIterator[str]:
    """A server that hangs up as soon as it is greeted."""
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextmanager
def _no_name() -> Iterator[None]:
    """One host name is unknown at once, whatever resolver the machine has."""
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def look_up(host: str, *place: Any, **options: Any) -> Any:
        if host == NO_NAME:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return await resolve(host, *place, **options)

    with patch.object(loop, "getaddrinfo", look_up):
        yield


@contextmanager
def _impatient_sockets() -> Iterator[None]:
    """Connections that acknowledge nothing, or do not end, are given up sooner than on Lambda."""
    with (
        patch.object(transport, "UNACKNOWLEDGED_MS", UNACKNOWLEDGED_MS),
        patch.object(flow, "FINISH_GRACE_MS", FINISH_GRACE_MS),
    ):
        yield
