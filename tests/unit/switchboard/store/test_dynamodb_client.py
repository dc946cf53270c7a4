import subprocess
import sys
from typing import Any

import pytest

from switchboard.store.dynamodb_client import connect


def test_timeouts_are_short_and_the_pool_is_large() -> None:
    config: Any = connect(region="eu-central-1", endpoint="http://127.0.0.1:1").meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 3)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert config.max_pool_connections >= 50


def test_parameter_validation_is_off_and_the_user_agent_is_fixed() -> None:
    client = connect(endpoint="http://127.0.0.1:1")
    sent: list[str] = []

    def see(request: Any, **_event: object) -> None:
        sent.append(request.headers["User-Agent"].decode())
        raise ConnectionRefusedError

    client.meta.events.register("before-send.dynamodb.GetItem", see)
    with pytest.raises(ConnectionRefusedError):
        client.get_item(TableName="", Key={})
    # Powertools, if it was imported before, appends to the user agent; botocore adds nothing.
    assert [agent.partition(" ")[0] for agent in sent] == ["switchboard"]
    assert "Botocore" not in sent[0]


def test_an_http_endpoint_gets_dummy_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    client = connect(endpoint="http://127.0.0.1:1")
    assert (client.meta.region_name, client.meta.endpoint_url) == ("local", "http://127.0.0.1:1")
    url = client.generate_presigned_url("list_tables")
    assert "AKIAREAL" not in url
    assert "local" in url


def test_a_local_engine_is_not_reached_over_the_environments_proxy(
    dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("no_proxy", "localhost")
    client = connect(endpoint=dynamodb_endpoint)
    assert client.list_tables(Limit=1)["ResponseMetadata"]["HTTPStatusCode"] == 200
    client.close()


def test_without_an_endpoint_the_regions_endpoint_is_used() -> None:
    assert connect(region="eu-central-1").meta.endpoint_url == "https://dynamodb.eu-central-1.amazonaws.com"


def test_the_store_is_imported_without_the_sdk() -> None:
    """Importing the SDK takes half a second, which only code that makes a client should pay."""
    script = "import sys, switchboard.store.dynamodb; print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
