"""The HTTP client: connection reuse, dead connections, and address checks."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import httpcore
import httpx
import pytest

from gateway.domain.call import Target
from gateway.domain.errors import AddressRefused, ConnectFailed, UpstreamCut
from gateway.upstream import transport
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import DEAD_WITHIN_S, READS_AT_ONCE, HttpResponse, HttpUpstream
from gateway.upstream.transport import GuardedBackend, KeptStream
from testkit.openai_events import DONE, chunk
from testkit.upstream import CAN_BLACKHOLE, Answer, End, Gate, ScriptedUpstream

SPOKEN = Answer([chunk("Hi"), DONE])
LONG = b" " * 8_000_000
"""More than the socket buffers hold."""


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(SPOKEN) as scripted:
        yield scripted


@pytest.fixture
async def client(upstream: ScriptedUpstream) -> AsyncIterator[HttpUpstream]:
    sender = HttpUpstream(PrivateHosts.parse(upstream.host))
    yield sender
    await sender.aclose()


def target(url: str) -> Target:
    return Target("generic", url, "127.0.0.1", "m", 1000)


async def call(client: HttpUpstream, upstream: ScriptedUpstream, sent_at: list[float] | None = None) -> bytes:
    """The body of one call; `sent_at` gets the time at which the request was sent."""
    moments = [] if sent_at is None else sent_at
    url = f"{upstream.base_url}/chat/completions"
    response = await client.send(target(url), b"{}", {}, lambda: moments.append(time.monotonic()))
    body = b"".join([piece async for piece in response.chunks()])
    await response.aclose()
    return body


async def test_a_pooled_connection_is_reused(client: HttpUpstream, upstream: ScriptedUpstream) -> None:
    for _ in range(3):
        assert await call(client, upstream) == chunk("Hi") + DONE
    assert upstream.connections_opened == 1


def test_a_connection_outlives_the_pause_between_turns() -> None:
    assert transport.IDLE_EXPIRY_S >= 60


@pytest.mark.parametrize("how", [End.CLOSE, End.RESET])
async def test_a_pooled_connection_that_was_closed_is_replaced(
    client: HttpUpstream, upstream: ScriptedUpstream, how: End
) -> None:
    await call(client, upstream)
    upstream.end_idle(how)
    assert await call(client, upstream) == chunk("Hi") + DONE
    assert upstream.connections_opened == 2


async def test_a_pooled_connection_that_is_reset_by_the_request_is_replaced_once(
    client: HttpUpstream, upstream: ScriptedUpstream
) -> None:
    await call(client, upstream)
    upstream.answers(Answer(before_headers=[End.RESET]), SPOKEN)
    sent_at: list[float] = []
    assert await call(client, upstream, sent_at) == chunk("Hi") + DONE
    assert (upstream.connections_opened, len(sent_at)) == (2, 2)


async def test_busy_connections_stay_in_the_pool_when_a_dead_one_is_replaced(
    client: HttpUpstream, upstream: ScriptedUpstream
) -> None:
    gate = Gate()
    upstream.answers(Answer([chunk("Hi"), gate, DONE]), SPOKEN, Answer(before_headers=[End.RESET]), SPOKEN)
    busy = asyncio.create_task(call(client, upstream))
    await gate.reached()
    await call(client, upstream)
    await call(client, upstream)  # on the second connection, which breaks; on a third one
    gate.open()
    await busy
    await asyncio.gather(call(client, upstream), call(client, upstream))
    assert upstream.connections_opened == 3


@pytest.mark.alone
@pytest.mark.skipif(not CAN_BLACKHOLE, reason="only Linux can make a connection swallow packets")
async def test_a_pooled_connection_whose_packets_are_dropped_is_replaced_in_time(
    client: HttpUpstream, upstream: ScriptedUpstream
) -> None:
    await call(client, upstream)
    upstream.blackhole_idle()
    begun = time.monotonic()
    assert await call(client, upstream) == chunk("Hi") + DONE
    waited_ms = (time.monotonic() - begun) * 1000
    assert transport.UNACKNOWLEDGED_MS / 2 < waited_ms < transport.UNACKNOWLEDGED_MS * 2
    assert upstream.connections_opened == 2


class SlowReader:
    """A server with small buffers that reads `before` requests at once, and after that nothing for `stall_s`."""

    def __init__(self, before: int, stall_s: float) -> None:
        self.before, self.stall_s = before, stall_s
        self.connections = self.requests = 0
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.setblocking(False)

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, sock=self._listener, limit=4096)
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                if self.requests == self.before:
                    await asyncio.sleep(self.stall_s)
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                await reader.readexactly(length)
                self.requests += 1
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK")
        writer.close()


@pytest.mark.parametrize("before", [0, 1], ids=["new", "kept"])
async def test_a_provider_that_reads_slowly_still_gets_a_long_request(
    monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """Where its connection was kept, over a new one: the operating system cannot tell it from a dead one."""
    monkeypatch.setattr(transport, "UNACKNOWLEDGED_MS", 300)
    server = SlowReader(before, stall_s=1.0)
    async with server as url:
        sender = HttpUpstream(PrivateHosts.parse("127.0.0.1"))
        for body in [b"{}"] * before + [LONG]:
            response = await sender.send(target(url), body, {}, lambda: None)
            assert b"".join([piece async for piece in response.chunks()]) == b"OK"
            await response.aclose()
        await sender.aclose()
    assert (server.connections, server.requests) == (1 + before, 1 + before)


@pytest.mark.skipif(not CAN_BLACKHOLE, reason="only Linux has the option")
async def test_only_a_kept_connection_is_limited_and_until_its_answer_begins(
    client: HttpUpstream, upstream: ScriptedUpstream
) -> None:
    def limit_ms(response: HttpResponse) -> int:
        connection = response.response.extensions["network_stream"].get_extra_info("socket")
        return int(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))

    limits: list[int] = []
    set_option = KeptStream._limit

    def limited(stream: KeptStream, *, is_limited: bool) -> None:
        limits.append(is_limited)
        set_option(stream, is_limited=is_limited)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(KeptStream, "_limit", limited)
        for expected in ([], [True, False], [True, False, True, False]):
            response = await client.send(target(f"{upstream.base_url}/chat/completions"), b"{}", {}, lambda: None)
            assert limits == expected
            assert limit_ms(response) == 0
            assert b"".join([piece async for piece in response.chunks()]) == chunk("Hi") + DONE
            await response.aclose()


@pytest.mark.parametrize("how", [End.CLOSE, End.RESET])
async def test_a_request_that_may_have_been_processed_is_not_sent_again(
    client: HttpUpstream, upstream: ScriptedUpstream, how: End
) -> None:
    await call(client, upstream)
    upstream.answers(Answer(before_headers=[DEAD_WITHIN_S * 1.2, how]), SPOKEN)
    with pytest.raises(UpstreamCut, match="broke before an answer"):
        await call(client, upstream)
    assert len(upstream.requests) == 2
    assert await call(client, upstream) == chunk("Hi") + DONE


async def test_a_request_that_breaks_while_it_is_sent_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At any time after it was started: no provider works on half a request."""
    monkeypatch.setattr("gateway.upstream.client.DEAD_WITHIN_S", 0.0)
    requests: list[str] = []
    connections = iter("ab")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = next(connections)
        while head := await reader.readuntil(b"\r\n\r\n"):
            requests.append(connection)
            if requests == ["a", "a"]:
                writer.transport.abort()
                break
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK")
            if connection == "b":
                writer.close()
                break

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    sender = HttpUpstream(PrivateHosts.parse("127.0.0.1"))
    for body in (b"{}", LONG):
        response = await sender.send(target(url), body, {}, lambda: None)
        assert b"".join([piece async for piece in response.chunks()]) == b"OK"
        await response.aclose()
    assert requests == ["a", "a", "b"]
    await sender.aclose()
    server.close()
    await server.wait_closed()


async def test_a_request_on_a_new_connection_is_not_sent_again(
    client: HttpUpstream, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Answer(before_headers=[End.RESET]))
    with pytest.raises(UpstreamCut):
        await call(client, upstream)
    assert len(upstream.requests) == 1


async def test_a_broken_tls_handshake_is_reported() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = HttpUpstream(PrivateHosts.parse("127.0.0.1"))
    with pytest.raises(ConnectFailed, match="the TLS handshake was broken off"):
        await sender.send(target(f"https://127.0.0.1:{port}/v1"), b"{}", {}, lambda: None)
    await sender.aclose()
    server.close()
    await server.wait_closed()


async def test_request_sent_is_called_before_the_answer(client: HttpUpstream, upstream: ScriptedUpstream) -> None:
    sent_at: list[float] = []
    upstream.answers(Answer(SPOKEN.steps, before_headers=[0.05]))
    await call(client, upstream, sent_at)
    assert sent_at[0] < upstream.requests[0].sent_at[0]


class ManyChunks(httpx.AsyncByteStream):
    """A body of very many chunks that are all there at once."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(READS_AT_ONCE * 10):
            yield b"x"


async def test_very_many_chunks_that_come_at_once_let_other_calls_go_on() -> None:
    turns, is_over = 0, False

    async def other_call() -> None:
        nonlocal turns
        while not is_over:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(other_call())
    request = httpx.Request("POST", "http://x")
    response = HttpResponse(target("http://x/v1"), httpx.Response(200, stream=ManyChunks(), request=request))
    assert len([piece async for piece in response.chunks()]) == READS_AT_ONCE * 10
    is_over = True
    await other
    assert turns >= 10


class Resolver:
    """Answers lookups from a script, which repeats its last answer."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int | None, **_: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.8", "::1", "::ffff:127.0.0.1", "fe80::1"])
async def test_a_name_that_resolves_to_a_private_address_is_refused(
    client: HttpUpstream, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver([address]))
    with pytest.raises(AddressRefused, match=r"evil\.example"):
        await client.send(
            Target("generic", "https://evil.example/v1", "evil.example", "m", 1000), b"{}", {}, lambda: None
        )
    assert upstream.requests == []


async def test_one_private_address_among_public_ones_is_refused(
    client: HttpUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["93.184.216.34", "127.0.0.1"]))
    with pytest.raises(AddressRefused):
        await client.send(target("https://evil.example/v1"), b"{}", {}, lambda: None)


async def test_the_checked_address_is_the_one_connected_to(
    client: HttpUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is not resolved a second time, when the answer could be another."""
    resolver = Resolver(["93.184.216.34"], ["127.0.0.1"])
    connected: list[str] = []

    async def refuse(*, remote_host: str, **_: object) -> object:
        connected.append(remote_host)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr("anyio.connect_tcp", refuse)
    with pytest.raises(ConnectFailed):
        await client.send(target("https://rebind.example/v1"), b"{}", {}, lambda: None)
    assert connected == ["93.184.216.34"]
    assert resolver.asked == ["rebind.example"]


class Unresponsive:
    """A name whose lookup takes `lookup_s`, and whose first `dead` addresses never answer."""

    def __init__(self, addresses: list[str], dead: int, lookup_s: float = 0.0) -> None:
        self.addresses, self.lookup_s = addresses, lookup_s
        self.is_dead = addresses[:dead]
        self.tried: list[str] = []

    def resolve(self, _host: str, port: int | None, **_: object) -> list[tuple[object, ...]]:
        time.sleep(self.lookup_s)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]

    async def connect(self, *, remote_host: str, **_: object) -> object:
        self.tried.append(remote_host)
        if remote_host in self.is_dead:
            await asyncio.sleep(3600)
        raise OSError("nobody listens here")


CONNECT_S = 0.4


@pytest.mark.alone
@pytest.mark.parametrize("lookup_s", [0.0, CONNECT_S / 2, CONNECT_S * 2])
@pytest.mark.parametrize("dead", [1, 3])
async def test_lookup_and_all_addresses_share_the_connect_timeout(
    monkeypatch: pytest.MonkeyPatch, lookup_s: float, dead: int
) -> None:
    name = Unresponsive(["93.184.216.34", "93.184.216.35", "93.184.216.36"], dead, lookup_s)
    monkeypatch.setattr(socket, "getaddrinfo", name.resolve)
    monkeypatch.setattr("anyio.connect_tcp", name.connect)
    backend = GuardedBackend(PrivateHosts())
    begun = time.monotonic()
    with pytest.raises((httpcore.ConnectTimeout, httpcore.ConnectError)):
        await backend.connect_tcp("many.example", 443, CONNECT_S)
    assert time.monotonic() - begun < CONNECT_S * 1.5
    assert name.tried == (name.addresses if lookup_s < CONNECT_S else [])


async def test_redirects_are_not_followed(client: HttpUpstream, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([], 307, {"location": "http://169.254.169.254/latest"}))
    url = f"{upstream.base_url}/chat/completions"
    response = await client.send(target(url), b"{}", {}, lambda: None)
    await response.aclose()
    assert (response.status, len(upstream.requests)) == (307, 1)


@pytest.mark.parametrize("location", ["//xn--a", "//xn--%zz/..", "http:-1/", "http://[", "//\x7f", "https://a:99999/"])
async def test_a_redirect_to_no_address_is_an_answer_like_any_other(
    client: HttpUpstream, upstream: ScriptedUpstream, location: str
) -> None:
    upstream.answers(Answer([], 308, {"location": location}))
    response = await client.send(target(f"{upstream.base_url}/chat/completions"), b"{}", {}, lambda: None)
    await response.aclose()
    assert (response.status, response.headers["location"]) == (308, location)


@pytest.mark.parametrize("cookie", ["a=1", "a=1; Domain=127.0.0.1; Path=/; Max-Age=1000", "a=" + "x" * 4000])
async def test_no_cookie_of_one_call_is_sent_with_another(
    client: HttpUpstream, upstream: ScriptedUpstream, cookie: str
) -> None:
    upstream.answers(Answer(SPOKEN.steps, headers={"set-cookie": cookie}), SPOKEN)
    for _ in range(2):
        await call(client, upstream)
    assert [request.headers.get("cookie") for request in upstream.requests] == [None, None]


async def test_proxy_environment_variables_are_not_used(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    sender = HttpUpstream(PrivateHosts.parse(upstream.host))
    assert await call(sender, upstream) == chunk("Hi") + DONE
    await sender.aclose()
