"""A request that offers to change the protocol is answered as any other: HTTP lets a server ignore the offer."""

import httpx
import pytest

from testkit.local_system import LocalSystem

ANSWERED_WITHIN_S = 3.0
BODY = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize("protocol", ["h2c", "TLS/1.2", "websocket"])
def test_the_call_is_answered(system: LocalSystem, protocol: str) -> None:
    headers = {**system.headers, "connection": "upgrade", "upgrade": protocol}
    url = f"{system.base_url}/chat/completions"
    with httpx.Client(trust_env=False, verify=False, timeout=ANSWERED_WITHIN_S) as client:
        assert client.post(url, json=BODY, headers=headers).status_code == 200
        assert client.post(url, json=BODY, headers=headers).status_code == 200, "the connection's next request"
