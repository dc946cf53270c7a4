"""The POST that sends one response to the Runtime API, its body written while the response is produced."""

import asyncio
import http.client
import logging
import socket
from collections.abc import Callable

from response_streaming.trailers import NAMES

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"

_log = logging.getLogger(__name__)


class ResponsePost:
    """One chunked request: call `open`, then `write` for each chunk, `end`, and `close`.

    `write` and `end` raise `OSError` once the runtime has closed the connection.
    """

    def __init__(self, runtime_api: str, invoke_id: str, invocation_id: str | None = None) -> None:
        self._connection = http.client.HTTPConnection(runtime_api)
        self._path = f"/2018-06-01/runtime/invocation/{invoke_id}/response"
        self._invocation_id = invocation_id
        self._unsent = bytearray()
        self._is_writable = asyncio.Event()
        self._ended = False

    def open(self, on_gone: Callable[[], None]) -> None:
        """Connect and send the request head; `on_gone` is called if the runtime closes the connection before `end`."""
        self._loop = asyncio.get_running_loop()
        self._on_gone = on_gone
        self._connection.connect()
        self._connection.putrequest("POST", self._path, skip_accept_encoding=True)
        self._connection.putheader("Content-Type", CONTENT_TYPE)
        self._connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        self._connection.putheader("Transfer-Encoding", "chunked")
        self._connection.putheader("Trailer", ", ".join(NAMES))
        if self._invocation_id is not None:
            self._connection.putheader("Lambda-Runtime-Invocation-Id", self._invocation_id)
        self._connection.endheaders()
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._readable)

    async def write(self, data: bytes) -> None:
        """Send `data` (not empty) as one chunk, and return once the socket has accepted it."""
        self._unsent += b"%x\r\n%b\r\n" % (len(data), data)
        await self._flush()

    async def end(self, trailers: bytes = b"") -> None:
        """Send the last chunk, with `trailers` as complete header lines; calling it again sends nothing."""
        if not self._ended:
            self._ended = True
            self._unsent += b"0\r\n%b\r\n" % trailers
            self._loop.remove_reader(self._socket)
        await self._flush()

    def close(self) -> None:
        """If the response was ended, read the runtime's reply; then close the connection."""
        self._unwatch()
        try:
            if self._ended and not self._unsent:
                self._read_reply()
        except (OSError, http.client.HTTPException) as error:
            _log.error("response.unconfirmed error=%r", error)
        finally:
            self._connection.close()

    def _unwatch(self) -> None:
        # If the loop still watched a closed descriptor, the next connection with the same number would break.
        if (opened := self._connection.sock) is not None:
            self._loop.remove_reader(opened)
            self._loop.remove_writer(opened)

    def _read_reply(self) -> None:
        self._socket.setblocking(True)
        reply = self._connection.getresponse()
        body = reply.read()
        if reply.status != http.client.ACCEPTED:
            _log.error("response.refused status=%d reason=%r", reply.status, body[:1_000])

    @property
    def _socket(self) -> socket.socket:
        opened: socket.socket | None = self._connection.sock
        if opened is None:
            raise ConnectionError("the response is not open")
        return opened

    async def _flush(self) -> None:
        # Unsent bytes are kept when a write is cancelled: the next write continues in the middle of the chunk.
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except BlockingIOError:
                await self._wait_until_writable()
            else:
                del self._unsent[:sent]

    async def _wait_until_writable(self) -> None:
        self._is_writable.clear()
        self._loop.add_writer(self._socket, self._writable)
        await self._is_writable.wait()

    def _writable(self) -> None:
        self._loop.remove_writer(self._socket)
        self._is_writable.set()

    def _readable(self) -> None:
        # Bytes are an early reply, which `close` reads. No bytes, or an error: the runtime closed the connection.
        self._loop.remove_reader(self._socket)
        try:
            gone = not self._socket.recv(1, socket.MSG_PEEK)
        except OSError:
            gone = True
        if gone:
            self._on_gone()
