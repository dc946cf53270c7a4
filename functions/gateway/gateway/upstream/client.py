"""The HTTP client: sends one request to one target and streams the answer."""

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

import certifi
import httpx

from gateway.domain.call import Target
from gateway.domain.errors import AddressRefused, AnswerUnreadable, ConnectFailed, UpstreamCut, UpstreamFailure
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.decoding import EncodingUnreadable, decoder_of
from gateway.upstream.transport import AddressForbidden, GuardedTransport

CONNECT_TIMEOUT_S = 5.0

DEAD_WITHIN_S = 0.5
"""A pooled connection that was closed before the request breaks within one round trip. If it breaks later it was open:
the provider has received the request and may have worked on it."""

READS_AT_ONCE = 256
"""How many chunks are read before other calls go on: one read of the socket may have very many small ones."""

_UNACKNOWLEDGED = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})
"""The operating system's errors for a connection on which nothing was acknowledged for UNACKNOWLEDGED_MS."""

_HEADERS = {
    "accept-encoding": "identity",  # a compressed stream arrives in bursts
    "content-type": "application/json",
    "user-agent": "switchboard",
}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A target's answer: status and headers, then the body as a stream."""

    target: Target
    response: httpx.Response

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names are case-insensitive."""
        return self.response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they arrive, decoded. Raises UpstreamCut when it ends early, or AnswerUnreadable."""
        try:
            decoder = decoder_of(self.response.headers.get("content-encoding", ""))
            reads = 0
            async for chunk in self.response.aiter_raw():
                reads += 1
                if reads % READS_AT_ONCE == 0:
                    await asyncio.sleep(0)
                if decoder is None:
                    yield chunk
                    continue
                for step in decoder.steps(chunk):
                    yield step
                    await asyncio.sleep(0)  # other calls go on between the steps of a chunk
        except EncodingUnreadable as unreadable:
            raise AnswerUnreadable(self.target, f"the answer cannot be read: {unreadable}") from None
        except httpx.HTTPError as cut:
            raise UpstreamCut(self.target, f"the answer was cut off ({_kind_of(cut)})") from cut

    async def aclose(self) -> None:
        """Return the connection to the pool; close it when the answer was not read to its end."""
        await self.response.aclose()


@dataclass(slots=True)
class _Dispatch:
    """Follows one request. `request_sent` is called when its last byte was sent, at `sent_at_s` on the loop's clock."""

    request_sent: Callable[[], None]
    is_connection_new: bool = False
    sent_at_s: float | None = field(default=None, init=False)

    async def trace(self, event: str, _info: Mapping[str, object]) -> None:
        """httpcore's trace hook: https://www.encode.io/httpcore/extensions/#trace."""
        if event == "connection.connect_tcp.started":
            self.is_connection_new = True
        elif event == "http11.send_request_body.complete" and self.sent_at_s is None:
            self.sent_at_s = asyncio.get_running_loop().time()
            self.request_sent()

    def is_safe_to_resend(self, failed: httpx.HTTPError) -> bool:
        """Whether it failed on a pooled connection before the provider can have worked on it."""
        if self.is_connection_new:
            return False
        if self.sent_at_s is None or _is_unacknowledged(failed):
            return True
        return asyncio.get_running_loop().time() - self.sent_at_s < DEAD_WITHIN_S


class HttpUpstream:
    """Sends requests to providers. One per process, on one event loop, so that connections are reused.

    `own_hosts`: the deployment's own providers, whose names are looked up however many others are.
    """

    def __init__(
        self,
        private_hosts: PrivateHosts,
        ssl_context: ssl.SSLContext | None = None,
        own_hosts: Collection[str] = (),
    ) -> None:
        self._transport = GuardedTransport(
            private_hosts, ssl_context or ssl.create_default_context(cafile=certifi.where()), own_hosts
        )
        self._client = httpx.AsyncClient(
            transport=self._transport,
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            headers=_HEADERS,
            trust_env=False,
        )

    async def send(
        self, target: Target, body: bytes, headers: Mapping[str, str], request_sent: Callable[[], None]
    ) -> HttpResponse:
        """POST the body. Calls `request_sent` each time it was sent; returns when the answer's headers are in.

        A pooled connection that turns out to be closed is replaced once, and the request is sent again: the provider
        did not receive it. Raises ConnectFailed, AddressRefused or UpstreamCut.
        """
        dispatch = _Dispatch(request_sent)
        try:
            response = await self._post(target, body, headers, dispatch)
        except (httpx.ConnectError, httpx.ConnectTimeout, AddressForbidden) as failed:
            raise _not_connected(target, failed) from failed
        except httpx.HTTPError as failed:
            if not dispatch.is_safe_to_resend(failed):
                raise _broken(target, failed, is_connection_new=dispatch.is_connection_new) from failed
            response = await self._post_again(target, body, headers, dispatch)
        return HttpResponse(target, response)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _post(
        self, target: Target, body: bytes, headers: Mapping[str, str], dispatch: _Dispatch
    ) -> httpx.Response:
        request = self._client.build_request(
            "POST", target.url, content=body, headers=dict(headers), extensions={"trace": dispatch.trace}
        )
        # Not `send`: the client would keep the answer's cookies, and send them to that host and its neighbours with
        # every other call; and it would read the `location` of a redirect, of which some raise errors of any kind.
        response = await self._transport.handle_async_request(request)
        response.request = request
        return response

    async def _post_again(
        self, target: Target, body: bytes, headers: Mapping[str, str], dispatch: _Dispatch
    ) -> httpx.Response:
        await self._transport.close_idle()
        dispatch.sent_at_s = None
        try:
            return await self._post(target, body, headers, dispatch)
        except (httpx.ConnectError, httpx.ConnectTimeout, AddressForbidden) as failed:
            raise _not_connected(target, failed) from failed
        except httpx.HTTPError as failed:
            raise _broken(target, failed, is_connection_new=True) from failed


def _not_connected(target: Target, failed: Exception) -> UpstreamFailure:
    if isinstance(failed, AddressForbidden):
        return AddressRefused(target, f"{target.host} leads to an address that the gateway does not call")
    if isinstance(failed, httpx.ConnectTimeout):
        return ConnectFailed(target, f"no connection to {target.host} within {CONNECT_TIMEOUT_S:.0f} s")
    # A connection closed during the handshake raises an error without a text.
    return ConnectFailed(target, f"no connection to {target.host}: {str(failed) or 'the TLS handshake was broken off'}")


def _broken(target: Target, failed: httpx.HTTPError, *, is_connection_new: bool) -> UpstreamFailure:
    tls = _tls_failure(failed)
    # The last step of a handshake is the server's: that it refuses the client is learnt when its answer is awaited.
    if is_connection_new and tls is not None and "ALERT" in (tls.reason or ""):
        return ConnectFailed(target, f"no connection to {target.host}: {tls}")
    return UpstreamCut(target, f"the connection broke before an answer ({_kind_of(failed)})")


def _kind_of(failed: httpx.HTTPError) -> str:
    tls = _tls_failure(failed)
    return type(failed).__name__ if tls is None else f"TLS: {(tls.reason or 'failed').lower().replace('_', ' ')}"


def _tls_failure(failed: BaseException) -> ssl.SSLError | None:
    """The error of TLS among the causes."""
    return next((cause for cause in _causes(failed) if isinstance(cause, ssl.SSLError)), None)


def _is_unacknowledged(failed: BaseException) -> bool:
    """Whether the operating system gave the connection up; its error is among the causes of httpx's."""
    return any(isinstance(cause, OSError) and cause.errno in _UNACKNOWLEDGED for cause in _causes(failed))


def _causes(failed: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = failed
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
