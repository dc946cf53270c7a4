"""Finds the addresses of host names."""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Sequence
from functools import partial

from gateway.upstream.lookup_thread import in_thread
from switchboard.domain.limits import MAX_DOMAIN_LOOKUPS, MAX_NAME_LOOKUPS

_SHORT_LABEL = 3


class LookupsExhausted(OSError):
    """Too many look-ups have no answer yet."""

    def __init__(self, host: str) -> None:
        super().__init__(f"too many names are being looked up: {host} was not")


class Resolver:
    """Looks names up in threads of its own. Calls that need one host at the same time share one look-up.

    A literal address needs none. Nothing is cached: an answer is used by those who waited for it. `own_hosts` are the
    deployment's own providers, which are always looked up: callers, who choose other hosts, cannot use up their share.
    """

    def __init__(self, own_hosts: Collection[str] = ()) -> None:
        self._own_hosts = frozenset(own_hosts)
        self._running: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def addresses(self, host: str) -> Sequence[str]:
        """The host's addresses, without duplicates. Raises OSError or UnicodeError."""
        if _is_address(host):
            return (host,)
        # Shielded: a call that stops waiting must not end the look-up of the others.
        return await asyncio.shield(self._running.get(host) or self._start(host))

    def _start(self, host: str) -> "asyncio.Future[Sequence[str]]":
        if host not in self._own_hosts and self._is_full_for(domain_of(host)):
            raise LookupsExhausted(host)
        running = self._running[host] = in_thread("dns", partial(_look_up, host))
        running.add_done_callback(lambda _: self._running.pop(host, None))
        return running

    def _is_full_for(self, domain: str) -> bool:
        of_domain = sum(domain_of(other) == domain for other in self._running)
        return len(self._running) >= MAX_NAME_LOOKUPS or of_domain >= MAX_DOMAIN_LOOKUPS


def domain_of(host: str) -> str:
    """The domain that its owner has registered, as far as labels tell: `acme.com`, `acme.co.uk`, `x.ai`."""
    labels = host.lower().rstrip(".").split(".")
    is_short = len(labels) > 1 and len(labels[-2]) <= _SHORT_LABEL
    return ".".join(labels[-3 if is_short else -2 :])


def _look_up(host: str) -> Sequence[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
