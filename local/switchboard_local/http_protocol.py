"""uvicorn's HTTP protocol with limits for heads and bodies. Offers to change the protocol are ignored."""

import asyncio
import json
from typing import override

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0
"""How long a request's head may take, from its first byte."""
BODY_S = 10.0
"""How long a request's body may take, besides what its size allows."""
BODY_BYTES_PER_S = 16_384
"""Each time that many bytes have arrived, the body may take a second longer."""

MAX_HEAD_BYTES = 64 * 1024
"""Of a request's head, and of what is in its body beside the body itself (trailers, extensions of chunks) in a row."""

LATE_CODE = "request_late"
TOO_LARGE_CODE = "head_too_large"
_INVALID = "Invalid HTTP request received."


class LocalHttpProtocol(HttpToolsProtocol):
    """One connection of a client.

    A head or body that arrives too slowly is answered 408, a head that is too large 431, and the connection is closed.
    Trailers are left out: they are not headers. A request that offers to
    change the protocol (`Upgrade: h2c`, of Java's HttpClient and `curl --http2`) is answered as any other: HTTP lets a
    server ignore the offer. httptools would take the request's body for the other protocol's first bytes.
    """

    _is_in_head = False
    _is_in_body = False
    _body_bytes = 0
    _bytes_beside_body = 0
    _limit: asyncio.TimerHandle | None = None
    _limit_began_at = 0.0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._close_if_idle()

    @override
    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            if not self.transport.is_closing():
                self._refuse_invalid_request()
        if self._bytes_beside_body > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse_large_head()
        if self.transport.is_closing():
            self._end_limit()
        elif self._is_in_head or self._is_in_body:
            self._begin_limit()
        elif self.cycle is None or self.cycle.response_complete:
            self._close_if_idle()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_limit()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    @override
    def on_message_begin(self) -> None:
        self._is_in_head = True
        super().on_message_begin()

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # not in a trailer
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._is_in_head, self._is_in_body, self._body_bytes = False, True, 0
        self._bytes_beside_body = 0
        self._end_limit()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self._refuse_large_head()
            raise httptools.HttpParserError("the head is too large")
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._bytes_beside_body = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._is_in_body = False
        self._bytes_beside_body = 0
        self._end_limit()
        super().on_message_complete()

    @override
    def _should_upgrade(self) -> bool:
        """True: no request is processed that offers an upgrade. `_feed` repeats it without the offer."""
        return True

    def _feed(self, data: bytes) -> None:
        self._bytes_beside_body += len(data)
        rest = memoryview(data)
        while rest:
            rest = rest[self._feed_to_offer(rest) :]

    def _feed_to_offer(self, data: memoryview) -> int:
        """How much of the data was read: all of it, or up to the end of a head that offers to change the protocol."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.parser.get_method() == b"CONNECT":
                raise httptools.HttpParserError("CONNECT is not served") from None
            head = self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            self.parser.feed_data(head)
            return int(upgrade.args[0])
        return len(data)

    def _head_without_offer(self) -> bytes:
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        kept = [b"%b: %b" % header for header in self.headers if header[0] not in (b"upgrade", b"http2-settings")]
        return b"\r\n".join([b"%b %b HTTP/%b" % (method, self.url, version), *kept, b"", b""])

    def _begin_limit(self) -> None:
        if self._limit is None:
            self._limit_began_at = self.loop.time()
            self._limit = self.loop.call_later(HEAD_S if self._is_in_head else BODY_S, self._check_limit)

    def _end_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _check_limit(self) -> None:
        left_s = 0.0
        if self.pipeline or self.flow.read_paused:
            left_s = BODY_S  # the server has stopped reading: not the client's fault
        elif self._is_in_body:
            left_s = self._limit_began_at + BODY_S + self._body_bytes // BODY_BYTES_PER_S - self.loop.time()
        if left_s > 0:
            self._limit = self.loop.call_later(left_s, self._check_limit)
        else:
            self._limit = None
            self._refuse_late_request()

    def _refuse_invalid_request(self) -> None:
        self.logger.warning(_INVALID)
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self.send_400_response(_INVALID)
        elif not self._is_in_body:
            cycle.keep_alive = False  # the earlier request's answer closes the connection: this would be in its place
        elif cycle.response_started or self.pipeline:
            self.transport.close()
        else:
            self.send_400_response(_INVALID)

    def _refuse_large_head(self) -> None:
        """Refuse it, unless an earlier request's answer is still being sent: then the connection is closed alone."""
        if self.cycle is None or self.cycle.response_complete:
            message = f"The request's head may have {MAX_HEAD_BYTES:,} bytes at most."
            self.transport.write(_error_answer(b"431 Request Header Fields Too Large", TOO_LARGE_CODE, message))
        self.transport.close()

    def _refuse_late_request(self) -> None:
        cycle = self.cycle
        if self._is_in_head and cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False  # an earlier request's answer is still being sent, and closes the connection
            return
        if self._is_in_head or cycle is None or not cycle.response_started:
            part = "head" if self._is_in_head else "body"
            late = f"The request's {part} arrived too slowly."
            self.transport.write(_error_answer(b"408 Request Timeout", LATE_CODE, late))
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()

    def _close_if_idle(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)


def _error_answer(status: bytes, code: str, message: str) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    body = json.dumps({"error": error}).encode()
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d"
    return head % (status, len(body)) + b"\r\n\r\n" + body
