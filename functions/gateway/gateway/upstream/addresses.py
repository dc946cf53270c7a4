"""Which addresses the gateway connects to: public ones, and private hosts that the operator allows."""

import ipaddress
from dataclasses import dataclass

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether the address is on the public internet; for an IPv6 address that embeds an IPv4 one, whether that is."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = _embedded_ipv4(address)
        if embedded is not None:
            return is_public(embedded)
        if address.is_site_local:  # deprecated; `is_global` is true for it
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


@dataclass(frozen=True, slots=True)
class PrivateHosts:
    """Hosts that may have private addresses and plain http: `host` allows every port, `host:port` one."""

    names: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> "PrivateHosts":
        """From a comma-separated list, as in PRIVATE_PROVIDER_HOSTS."""
        return cls(frozenset(name.strip().lower() for name in text.split(",") if name.strip()))

    def allows(self, host: str, port: int) -> bool:
        """Whether the host is listed, with this port or without a port."""
        host = host.lower()
        bracketed = f"[{host}]" if ":" in host else host
        return bool(self.names & {host, bracketed, f"{bracketed}:{port}"})
