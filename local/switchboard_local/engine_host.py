"""Chooses the address on which the engine listens.

The engine answers everybody who reaches it, and allows every web page to read its answers. On Linux all of 127.0.0.0/8
is loopback: a page would have to guess one address of sixteen million, and a port.
"""

import secrets
import socket
import sys

LOOPBACK = "127.0.0.1"
ALL_INTERFACES = "0.0.0.0"  # noqa: S104 - only compared with


def hidden_host() -> str:
    """A random loopback address; where there is only one, that."""
    first, second, third = 1 + secrets.randbelow(254), secrets.randbelow(256), 1 + secrets.randbelow(254)
    host = f"127.{first}.{second}.{third}"
    return host if sys.platform == "linux" and _can_listen(host) else LOOPBACK


def reachable(host: str) -> str:
    """The address at which this machine reaches a server that listens on `host`."""
    return LOOPBACK if host == ALL_INTERFACES else host


def _can_listen(host: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True
