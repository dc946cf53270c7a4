"""The scripted upstream's connections: HTTP/1.1 without a library, so that they can be broken."""

import asyncio
import ctypes
import socket
import struct
import sys
import time
from collections.abc import Callable
from http import HTTPStatus

from testkit.upstream_script import Answer, End, Framing, Gate, Raw, Request, Step

_SO_ATTACH_FILTER = 26  # Linux; Python's socket module does not name it
_BPF_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # one instruction: return 0 bytes of every packet
_RST_ON_CLOSE = struct.pack("ii", 1, 0)

CAN_BLACKHOLE = sys.platform == "linux"


class _Ended(Exception):
    """The connection is over."""


class CallerReader(asyncio.StreamReader):
    """A stream reader that reports at once when the other side closes, even if not everything was read."""

    on_gone: Callable[[], None] | None = None

    def feed_eof(self) -> None:
        super().feed_eof()
        self._report()

    def set_exception(self, exc: type[BaseException] | BaseException) -> None:
        super().set_exception(exc)  # type: ignore[arg-type]
        self._report()

    def _report(self) -> None:
        if self.on_gone is not None:
            self.on_gone()


class Connection:
    """One caller's connection: reads requests and runs their scripts."""

    def __init__(
        self, number: int, reader: CallerReader, writer: asyncio.StreamWriter, respond: Callable[[Request], Answer]
    ) -> None:
        self.number = number
        self.is_idle = True
        self._reader = reader
        self._writer = writer
        self._respond = respond
        self._socket: socket.socket = writer.get_extra_info("socket")
        self._gone = asyncio.Event()
        self._request: Request | None = None
        reader.on_gone = self._note_gone

    async def serve(self) -> None:
        """Answer until one side closes it."""
        try:
            while (request := await self._read()) is not None:
                self.is_idle = False
                self._request = request
                await self._run(self._respond(request), request)
                self.is_idle = True
        except (_Ended, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writer.close()

    def end(self, how: End) -> None:
        """Close it from this side."""
        if how is End.RESET:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            self._writer.transport.abort()
        else:
            self._writer.close()

    def blackhole(self) -> None:
        """From now on the kernel drops every packet of the caller, so that none is acknowledged."""
        code = ctypes.create_string_buffer(_BPF_DROP_ALL)
        program = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)

    def _note_gone(self) -> None:
        self._gone.set()
        if self._request is not None:
            self._request.note_left(time.monotonic())

    async def _read(self) -> Request | None:
        line = (await self._reader.readline()).decode("latin-1")
        if not line:
            return None
        arrived_at = time.monotonic()
        method, path, _ = line.split(" ")
        headers: dict[str, str] = {}
        while field := (await self._reader.readline()).decode("latin-1").rstrip("\r\n"):
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        body = await self._body(headers)
        return Request(method, path, headers, body, self.number, arrived_at)

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(headers.get("content-length", 0)))
        body = bytearray()
        while size := int(await self._reader.readline(), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
        return bytes(body)

    async def _run(self, answer: Answer, request: Request) -> None:
        for step in answer.before_headers:
            await self._take(step, request, Framing.CLOSE)
        await self._write(_head(answer))
        for step in answer.steps:
            await self._take(step, request, answer.framing)
        if answer.framing is Framing.CHUNKED:
            await self._write(b"0\r\n\r\n")
        if answer.then is not None:
            await self._leave(answer.then)
        if answer.framing is Framing.CLOSE:
            await self._leave(End.CLOSE)

    async def _take(self, step: Step, request: Request, framing: Framing) -> None:
        match step:
            case bytes() if framing is Framing.CHUNKED:
                request.sent_at.append(time.monotonic())
                await self._write(b"%x\r\n%b\r\n" % (len(step), step))
            case bytes():
                request.sent_at.append(time.monotonic())
                await self._write(step)
            case Raw(data):
                await self._write(data)
            case Gate():
                await step.pass_through()
            case End():
                await self._leave(step)
            case _:
                await asyncio.sleep(step)

    async def _leave(self, how: End) -> None:
        if how is End.HANG:
            await self._gone.wait()
        else:
            self.end(how)
        raise _Ended

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


def _head(answer: Answer) -> bytes:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if answer.framing is Framing.CHUNKED:
        headers.setdefault("transfer-encoding", "chunked")
    elif answer.framing is Framing.LENGTH:
        headers.setdefault("content-length", str(sum(len(step) for step in answer.steps if isinstance(step, bytes))))
    else:
        headers.setdefault("connection", "close")
    status = HTTPStatus(answer.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
