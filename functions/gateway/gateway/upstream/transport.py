"""The HTTP transport: connects only to checked addresses, keeps connections open, detects dead ones."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import override

import httpcore
import httpx

from gateway.upstream.addresses import PrivateHosts, is_public
from gateway.upstream.resolver import Resolver

IDLE_EXPIRY_S = 300
"""A voice agent's turns are about 9 s apart; httpx's default of 5 s would close the connection between them."""

UNACKNOWLEDGED_MS = 1500
"""How long sent bytes may stay unacknowledged. When the peer disappeared while the sandbox was frozen, requests on the
connection get neither an answer nor an error; without this limit TCP retransmits for about 15 minutes.

The operating system counts a peer that is alive and reads nothing as one that does not acknowledge. So the limit holds
for a connection that was kept from an earlier request alone, and until its answer begins: a new one has just proved
that its peer is there.
"""

HEAD_READ_BYTES = 4096
"""How much is read at once until an answer's status is known. A server may send any number of informational answers
(1xx) before it: reading them takes 20 ms for so much, and other calls go on between two reads."""

_READ_BYTES = 256 * 1024
"""As much as the event loop reads at once: nothing that has been read stays in its own buffer."""

_STATUS_AT = len(b"HTTP/1.1 ")

_CAN_LIMIT = hasattr(socket, "TCP_USER_TIMEOUT")
"""On Linux, and so on Lambda."""


class AddressForbidden(Exception):
    """The host name resolves to no address that the gateway may connect to."""


class KeptStream(httpcore.AsyncNetworkStream):
    """A connection whose sent bytes must be acknowledged in time once it is used for a second request.

    HTTP/1.1 alone: a write after a read begins the next request, the first read after that is its answer. The operating
    system's errors and those of TLS are raised as httpcore's: httpcore itself passes those of TLS on as they are.
    A connection on which more has come than the answer is not used again: it would be the next request's answer.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._is_kept = False
        self._is_limited = False
        self._rest = b""
        self._begun = b""

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._rest:
            await asyncio.sleep(0)
        else:
            self._rest = await self._read(timeout)
        most = min(max_bytes, HEAD_READ_BYTES) if self._may_be_informational else max_bytes
        data, self._rest = self._rest[:most], self._rest[most:]
        self._begun += data[: _STATUS_AT + 1 - len(self._begun)]
        return data

    async def _read(self, timeout_s: float | None) -> bytes:
        try:
            data = await self._inner.read(_READ_BYTES, timeout_s)
        except OSError as failed:
            raise httpcore.ReadError(str(failed)) from failed
        self._is_kept = True
        if self._is_limited:
            self._limit(is_limited=False)
        return data

    @property
    def _may_be_informational(self) -> bool:
        """Whether what comes may still be answers before the answer: it began with one, or has not begun."""
        return self._begun[_STATUS_AT:] in (b"", b"1")

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._begun = b""
        if self._is_kept and not self._is_limited:
            self._limit(is_limited=True)
        try:
            await self._inner.write(buffer, timeout)
        except OSError as failed:
            raise httpcore.WriteError(str(failed)) from failed

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return KeptStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    @override
    async def aclose(self) -> None:
        with suppress(OSError):  # it is closed all the same
            await self._inner.aclose()

    @override
    def get_extra_info(self, info: str) -> object:
        # The pool asks an idle connection, and closes one on which there is something to read.
        if info == "is_readable" and (self._rest or self._has_decrypted()):
            return True
        return self._inner.get_extra_info(info)

    def _has_decrypted(self) -> bool:
        """Whether TLS holds something that was not read, or the end; what is read here is lost."""
        tls = self._inner.get_extra_info("ssl_object")
        if not isinstance(tls, ssl.SSLObject):
            return False
        try:
            tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            return True
        return True

    def _limit(self, *, is_limited: bool) -> None:
        connection = self._inner.get_extra_info("socket")
        if _CAN_LIMIT and connection is not None:
            with suppress(OSError):  # closed meanwhile: the write or the read says so
                connection.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS if is_limited else 0
                )
        self._is_limited = is_limited


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a host once, checks every address, and connects to a checked address, so DNS rebinding has no effect.

    The connect timeout covers the lookup and all addresses together.
    """

    def __init__(self, private_hosts: PrivateHosts, own_hosts: Collection[str] = ()) -> None:
        self._private_hosts = private_hosts
        self._resolver = Resolver(own_hosts)
        self._inner = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = AddressForbidden(host)
        until_s = None if timeout is None else _now_s() + timeout
        addresses = await self._permitted_addresses(host, port, timeout)
        for number, address in enumerate(addresses):
            # An even share of the time left, so that an address that does not answer leaves time for the others.
            share_s = None if until_s is None else max(0.0, until_s - _now_s()) / (len(addresses) - number)
            try:
                stream = await self._inner.connect_tcp(address, port, share_s, local_address, socket_options)
                return KeptStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                failure = failed
        raise failure

    async def _permitted_addresses(self, host: str, port: int, timeout_s: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout_s):
                addresses = await self._resolver.addresses(host)
        except TimeoutError as late:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from late
        except (OSError, UnicodeError) as unknown:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from unknown
        if self._private_hosts.allows(host, port):
            return addresses
        # One private address among public ones is an attack, not a fallback: none of them is used.
        return addresses if all(is_public(ipaddress.ip_address(a.partition("%")[0])) for a in addresses) else ()


def _now_s() -> float:
    return asyncio.get_running_loop().time()


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over a guarded pool whose idle connections can be closed."""

    def __init__(
        self, private_hosts: PrivateHosts, ssl_context: ssl.SSLContext, own_hosts: Collection[str] = ()
    ) -> None:
        super().__init__(verify=ssl_context)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=None,
            max_keepalive_connections=200,
            keepalive_expiry=IDLE_EXPIRY_S,
            network_backend=GuardedBackend(private_hosts, own_hosts),
            socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        )

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while (ahead := next(filter(_is_ahead, self._pool.connections), None)) is not None:
            await ahead.aclose()
        return await super().handle_async_request(request)

    async def close_idle(self) -> None:
        """Close the idle connections; connections with an open answer are not affected."""
        for connection in tuple(self._pool.connections):
            if connection.is_idle():
                await connection.aclose()


def _is_ahead(connection: httpcore.AsyncConnectionInterface) -> bool:
    """Whether an idle connection has got more than the last answer: httpcore would take it for the next one."""
    if not connection.is_idle():
        return False
    http11 = getattr(getattr(connection, "_connection", None), "_h11_state", None)
    return http11 is not None and http11.trailing_data[0] != b""
