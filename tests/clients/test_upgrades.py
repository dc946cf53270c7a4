"""A request that offers to change the protocol is answered as any other: HTTP lets a server ignore the offer."""

import httpx
import pytest

from testkit.local_system import LocalSystem
from testkit.real_clients import H2C

ANSWERED_WITHIN_S = 3.0
BODY = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hello"}]}
NEVER = "`make run` takes the request for a WebSocket's and never answers it"


@pytest.mark.parametrize(
    "protocol",
    [
        pytest.param("h2c", marks=pytest.mark.xfail(strict=True, reason=H2C)),
        pytest.param("TLS/1.2", marks=pytest.mark.xfail(strict=True, reason=H2C)),
        pytest.param("websocket", marks=pytest.mark.xfail(strict=True, reason=NEVER, raises=httpx.ReadTimeout)),
    ],
)
def test_the_call_is_answered(system: LocalSystem, protocol: str) -> None:
    headers = {**system.headers, "connection": "upgrade", "upgrade": protocol}
    url = f"{system.base_url}/chat/completions"
    with httpx.Client(trust_env=False, verify=False, timeout=ANSWERED_WITHIN_S) as client:
        assert client.post(url, json=BODY, headers=headers).status_code == 200
        assert client.post(url, json=BODY, headers=headers).status_code == 200, "the connection's next request"
