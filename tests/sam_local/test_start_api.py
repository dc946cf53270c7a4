"""The whole API: calls go to the gateway, `/api` and `/console` to the console."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from testkit.sam import EXAMPLE_KEY, BuiltStack

pytestmark = pytest.mark.sam_local


@pytest.fixture(scope="module")
def client(stack: BuiltStack) -> Iterator[httpx.Client]:
    """A caller with the example key."""
    headers = {"authorization": f"Bearer {EXAMPLE_KEY}"}
    with stack.api() as address, httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        yield client


def call(client: httpx.Client, path: str = "/v1/chat/completions", **fields: Any) -> httpx.Response:
    """One call to the demo model."""
    body = {"model": "demo/echo", "messages": [{"role": "user", "content": "Count the apples."}], **fields}
    return client.post(path, json=body, headers={"x-inference-task-id": "start-api"})


def test_the_gateway_answers_and_the_console_shows_the_call(client: httpx.Client) -> None:
    answer = call(client, stream=True)

    assert answer.status_code == 200
    assert answer.text.endswith("data: [DONE]\n\n")
    traces = client.get("/api/traces", params={"task_id": "start-api"})
    assert traces.status_code == 200
    assert traces.json()["traces"][0]["trace_id"] == answer.headers["x-inference-trace-id"]
    trace = client.get(f"/api/traces/{answer.headers['x-inference-trace-id']}").json()
    assert trace["request"]["messages"] == [{"role": "user", "content": "Count the apples."}]


def test_a_url_joined_twice_still_arrives(client: httpx.Client) -> None:
    assert call(client, "/v1/chat/completions/chat/completions").status_code == 200


def test_an_unknown_path_gets_an_error_in_openais_shape(client: httpx.Client) -> None:
    answer = client.get("/v2/nothing")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "route_unknown"


def test_the_console_page_is_served(client: httpx.Client) -> None:
    page = client.get("/console")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
