from ipaddress import ip_address

import pytest

from gateway.upstream.addresses import PrivateHosts, is_public

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::a9fe:a9fe",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]

PUBLIC = ["1.1.1.1", "8.8.8.8", "104.18.6.192", "2606:4700::6812:6c0", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_private_and_reserved_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("names", "host", "port", "allowed"),
    [
        ("", "localhost", 80, False),
        ("localhost", "localhost", 80, True),
        ("localhost", "localhost", 11434, True),
        ("localhost", "LOCALHOST", 80, True),
        ("LocalHost", "localhost", 80, True),
        ("localhost:11434", "localhost", 11434, True),
        ("localhost:11434", "localhost", 80, False),
        ("localhost", "notlocalhost", 80, False),
        ("localhost", "localhost.evil.test", 80, False),
        ("10.0.0.5", "10.0.0.50", 80, False),
        ("a.test, 10.0.0.5:8000 ,", "10.0.0.5", 8000, True),
        ("a.test, 10.0.0.5:8000 ,", "a.test", 443, True),
        ("a.test, 10.0.0.5:8000 ,", "", 443, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("[::1]:8080", "::1:8080", 80, False),
        (",", "", 443, False),
    ],
)
def test_only_listed_hosts_are_allowed(names: str, host: str, port: int, allowed: bool) -> None:
    assert PrivateHosts.parse(names).allows(host, port) is allowed
