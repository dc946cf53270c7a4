"""The streaming layer on AWS's own emulator of Lambda's runtime."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from testkit.emulator import Emulator
from testkit.events import http_event, rest_event

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator("testkit.runtime_apps.raw") as sandbox:
        yield sandbox


def echoed(emulator: Emulator, event: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(emulator.invoke(event).body)
    return facts


def test_a_stream_is_prelude_delimiter_and_body(emulator: Emulator) -> None:
    answer = emulator.invoke(rest_event(path="/stream", query={"count": "3", "every_ms": "5"}))
    assert answer.status == 200
    assert answer.head == {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "cookies": []}
    assert answer.body.count(b"\n") == 3


def test_cookies_and_repeated_headers_survive(emulator: Emulator) -> None:
    assert emulator.invoke(rest_event(path="/repeated")).head == {
        "statusCode": 207,
        "headers": {"vary": "origin, accept", "x-name": "é"},
        "cookies": ["a=1; Path=/", "b=2, or so"],
    }


def test_a_compressed_body_is_not_changed(emulator: Emulator) -> None:
    assert gzip.decompress(emulator.invoke(rest_event(path="/binary")).body) == b'{"packed": true}'


@pytest.mark.parametrize("status", ["204", "304", "200"])
def test_an_empty_body_is_only_a_prelude(emulator: Emulator, status: str) -> None:
    answer = emulator.invoke(rest_event(path="/empty", query={"status": status}))
    assert (answer.head["statusCode"], answer.body) == (int(status), b"")


def test_head_gets_only_the_headers(emulator: Emulator) -> None:
    answer = emulator.invoke(rest_event("HEAD", "/echo"))
    assert (answer.head["headers"], answer.body) == ({"content-type": "application/json"}, b"")


def test_an_event_of_version_1_reaches_the_application_whole(emulator: Emulator) -> None:
    body = bytes(range(256))
    event = rest_event("POST", "/echo", body=body, headers={"X-Many": ["1", "2"]}, query={"q": ["a", "b"]})
    facts = echoed(emulator, event)
    assert (facts["method"], facts["path"], facts["query"]) == ("POST", "/echo", "q=a&q=b")
    assert ["x-many", "1, 2"] in facts["headers"]
    assert facts["sha256"] == hashlib.sha256(body).hexdigest()
    assert "requestContext" in facts["event"]
    assert facts["handler"] == "testkit.runtime_apps.raw"  # the layer leaves no trace in the environment


def test_an_event_of_version_2_reaches_the_application_whole(emulator: Emulator) -> None:
    facts = echoed(emulator, http_event("PUT", "/echo", body="text", query="q=1", cookies=["a=1", "b=2"]))
    assert (facts["method"], facts["query"], facts["bytes"]) == ("PUT", "q=1", 4)
    assert ["cookie", "a=1; b=2"] in facts["headers"]


def test_a_request_of_6_mb_fits(emulator: Emulator) -> None:
    body = "x" * 5_900_000
    assert echoed(emulator, rest_event("POST", "/echo", body=body))["bytes"] == len(body)


def test_a_response_of_6_mb_fits_and_a_larger_one_does_not_end_the_sandbox(emulator: Emulator) -> None:
    before = counted(emulator)
    assert len(emulator.invoke(rest_event(path="/large", query={"chunks": "95"})).body) == 95 * 65_536
    too_large = emulator.invoke(rest_event(path="/large", query={"chunks": "120"}))
    assert too_large.json["errorType"] == "Function.ResponseSizeTooLarge"
    assert "response.refused status=413" in emulator.log
    assert counted(emulator) == before + 1


def test_an_exception_before_the_first_message_is_a_function_error(emulator: Emulator) -> None:
    assert emulator.invoke(rest_event(path="/raise-before")).json["errorType"] == "Exploded"


@pytest.mark.parametrize("path", ["/raise-midway", "/raise-after", "/unfinished", "/silent"])
def test_the_sandbox_survives_every_failure_of_the_application(emulator: Emulator, path: str) -> None:
    before = counted(emulator)
    emulator.invoke(rest_event(path=path, query={"depth": "40", "length": "5000"}))
    assert counted(emulator) == before + 1


def test_an_event_that_is_no_request_is_a_function_error(emulator: Emulator) -> None:
    assert "unable to infer a handler" in emulator.invoke({"warm": True}).json["errorMessage"]


def test_a_slow_application_gets_its_answer_delivered(emulator: Emulator) -> None:
    assert emulator.invoke(rest_event(path="/slow", query={"for_ms": "400"})).body == b"late"


def counted(emulator: Emulator) -> int:
    """Ask the task that the sandbox's first invocation left behind; it numbers its answers."""
    return int(emulator.invoke(rest_event(path="/count")).body)


def test_200_calls_in_one_sandbox_share_a_loop_and_its_tasks(emulator: Emulator) -> None:
    first = counted(emulator)
    assert [counted(emulator) for _ in range(200)] == list(range(first + 1, first + 201))


def test_a_500_of_the_framework_is_delivered() -> None:
    with Emulator("testkit.runtime_apps.framework") as sandbox:
        exploded = sandbox.invoke(rest_event(path="/explode"))
        assert (exploded.head["statusCode"], exploded.body) == (500, b"Internal Server Error")
        assert sandbox.invoke(rest_event("POST", "/upload", body=b"\x00\xff")).body == b'{"bytes":2}'


def test_an_import_that_fails_is_an_init_error() -> None:
    with Emulator("testkit.runtime_broken_import.handler") as sandbox:
        answer = sandbox.invoke(rest_event())
    assert answer.status == 502
    assert answer.json["errorType"] == "Runtime.ImportModuleError"


def test_a_function_that_times_out_is_ended_and_restarted_by_the_platform() -> None:
    with Emulator("testkit.runtime_apps.raw", timeout_s=5) as sandbox:
        assert (
            b"Task timed out after 5.00 seconds"
            in sandbox.invoke(rest_event(path="/slow", query={"for_ms": "60000"})).payload
        )
        assert sandbox.invoke(rest_event(path="/echo")).head["statusCode"] == 200


def test_without_the_layer_the_same_handler_answers_buffered() -> None:
    with Emulator("testkit.runtime_apps.raw", streaming=False) as sandbox:
        answer = sandbox.invoke(rest_event(path="/background", query={"for_ms": "1"})).json
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
