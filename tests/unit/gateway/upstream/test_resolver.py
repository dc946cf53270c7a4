"""One host's look-ups take nothing from another's."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpcore
import pytest

from gateway.upstream import resolver
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.resolver import LookupsExhausted, Resolver, domain_of
from gateway.upstream.transport import GuardedBackend
from switchboard.domain.limits import MAX_DOMAIN_LOOKUPS

ADDRESS = "93.184.216.34"


class Names:
    """The system's resolver: names with `hangs` in them get no answer until `answered` is set."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answered = threading.Event()

    def getaddrinfo(self, host: str, _port: object, **_: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        if "hangs" in host:
            self.answered.wait(10)
        if "unknown" in host:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ADDRESS, 0))] * 2


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    yield names
    names.answered.set()


@pytest.mark.usefixtures("names")
async def test_a_name_has_its_addresses_without_duplicates() -> None:
    assert await Resolver().addresses("api.example") == (ADDRESS,)
    with pytest.raises(socket.gaierror):
        await Resolver().addresses("unknown.example")


@pytest.mark.parametrize("literal", ["127.0.0.1", "::1", "fe80::1%eth0"])
async def test_a_literal_address_needs_no_look_up(names: Names, literal: str) -> None:
    assert await Resolver().addresses(literal) == (literal,)
    assert names.asked == []


async def test_calls_of_one_host_share_a_look_up_also_when_some_stop_waiting(names: Names) -> None:
    looked_up = Resolver()
    calls = [asyncio.create_task(looked_up.addresses("hangs.example")) for _ in range(100)]
    await asyncio.sleep(0)
    for call in calls[:50]:
        call.cancel()
    await asyncio.wait(calls[:50])
    calls += [asyncio.create_task(looked_up.addresses("hangs.example"))]
    await asyncio.sleep(0)
    names.answered.set()
    assert await asyncio.gather(*calls[50:]) == [(ADDRESS,)] * 51
    assert names.asked == ["hangs.example"]
    assert await looked_up.addresses("hangs.example") == (ADDRESS,)
    assert len(names.asked) == 2, "an answer is not kept"


@pytest.mark.usefixtures("names")
async def test_hosts_that_hang_do_not_delay_another_host() -> None:
    backend = GuardedBackend(PrivateHosts())
    hanging = [
        asyncio.create_task(backend.connect_tcp(f"hangs-{number}.caller.example", 443, 10))
        for number in range(MAX_DOMAIN_LOOKUPS + 20)
    ]
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        assert await backend._resolver.addresses("api.openai.com") == (ADDRESS,)
    for call in hanging:
        call.cancel()
    await asyncio.wait(hanging)


async def test_look_ups_of_one_domain_and_of_all_are_limited(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "MAX_DOMAIN_LOOKUPS", 2)
    monkeypatch.setattr(resolver, "MAX_NAME_LOOKUPS", 3)
    looked_up = Resolver()
    hosts = ("a.hangs.example", "b.hangs.example", "a.hangs.test")
    running = [asyncio.create_task(looked_up.addresses(host)) for host in hosts]
    await asyncio.sleep(0)
    for host in ("c.hangs.example", "b.hangs.test", "api.openai.com"):
        with pytest.raises(LookupsExhausted):
            await looked_up.addresses(host)
    names.answered.set()
    assert await asyncio.gather(*running) == [(ADDRESS,)] * 3
    assert await looked_up.addresses("c.hangs.example") == (ADDRESS,)


async def test_a_look_up_that_is_refused_is_a_failed_connection(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "MAX_NAME_LOOKUPS", 0)
    with pytest.raises(httpcore.ConnectError):
        await GuardedBackend(PrivateHosts()).connect_tcp("api.openai.com", 443, 1)
    assert names.asked == []


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("api.openai.com", "openai.com"),
        ("a.b.Evil.example.", "evil.example"),
        ("a.evil.co.uk", "evil.co.uk"),
        ("api.x.ai", "api.x.ai"),
        ("localhost", "localhost"),
    ],
)
def test_the_registered_domain_of_a_host(host: str, domain: str) -> None:
    assert domain_of(host) == domain


async def test_the_deployments_own_providers_are_looked_up_however_many_others_are(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "MAX_NAME_LOOKUPS", 20)
    looked_up = Resolver({"api.openai.com"})
    others = [asyncio.create_task(looked_up.addresses(f"hangs.n{number}.ev1.example")) for number in range(30)]
    await asyncio.sleep(0)
    with pytest.raises(LookupsExhausted):
        await looked_up.addresses("api.groq.com")
    assert await looked_up.addresses("api.openai.com") == (ADDRESS,)
    names.answered.set()
    await asyncio.gather(*others, return_exceptions=True)
