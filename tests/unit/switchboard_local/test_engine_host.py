"""Where the engine listens."""

import socket
import sys

import pytest

from switchboard_local import engine_host
from switchboard_local.engine_host import LOOPBACK, hidden_host, reachable


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")
def test_the_host_is_another_loopback_address_each_time() -> None:
    hosts = {hidden_host() for _ in range(20)}
    assert len(hosts) == 20
    assert all(host.startswith("127.") and host != LOOPBACK for host in hosts)
    with socket.create_server((hosts.pop(), 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_a_machine_with_one_loopback_address_uses_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_host, "_can_listen", lambda _host: False)
    assert hidden_host() == LOOPBACK


def test_a_server_on_all_interfaces_is_reached_over_loopback() -> None:
    assert reachable("0.0.0.0") == LOOPBACK
    assert reachable("127.3.4.5") == "127.3.4.5"
