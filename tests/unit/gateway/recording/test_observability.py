"""The gateway's telemetry on a stdout that cannot be written."""

from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from gateway.assembly import Dependencies, build
from gateway.recording.observability import telemetry
from gateway.settings import Settings
from gateway.upstream.keyring import EnvironmentKeyring
from testkit.memory_store import MemoryStore

FULL = Path("/dev/full")
"""A device on which every write fails as on a full disk."""


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_a_request_with_an_unknown_key_gets_401_also_when_stdout_cannot_be_written() -> None:
    dependencies = Dependencies(
        store=MemoryStore(), upstream=cast("Any", None), keyring=EnvironmentKeyring({}), telemetry=telemetry()
    )
    app = cast("Any", build(Settings.from_env({"TABLE_NAME": "unused"}), dependencies))
    stdout = FULL.open("w", buffering=1)
    try:
        with redirect_stdout(stdout):
            client = TestClient(app)
            answers = [client.post("/v1/chat/completions", headers={"authorization": "Bearer sb-x"}) for _ in range(2)]
    finally:
        with pytest.raises(OSError, match="No space"):
            stdout.close()
    assert [answer.status_code for answer in answers] == [401, 401]
