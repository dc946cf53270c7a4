"""The layer on both forms of Lambda's runtime, and on one that does not use the layer's client."""

from pathlib import Path

import pytest

from testkit.emulator import Emulator
from testkit.events import rest_event
from testkit.runtime_api import RuntimeApi
from testkit.runtime_command import START_FILE
from testkit.runtime_versions import NEWEST, OLDER, VERSIONS, runtime_env

pytestmark = pytest.mark.thorough

OTHER_CLIENT = START_FILE.with_name("runtime_other_client.py")

both_versions = pytest.mark.parametrize("runtime", VERSIONS)


@both_versions
def test_the_runtime_under_test_is_the_one_that_is_named(runtime: str) -> None:
    with RuntimeApi() as api:
        api.start("testkit.runtime_apps.plain", runtime_env(runtime))
        recorded = api.send({"a": 1})
    assert recorded.json == {"echo": {"a": 1}}
    assert recorded.headers["user-agent"].endswith(f"-{runtime}")


@pytest.mark.emulator
@both_versions
def test_every_call_of_a_sandbox_is_streamed(runtime: str) -> None:
    with Emulator("testkit.runtime_apps.raw", runtime_env(runtime)) as sandbox:
        for _ in range(3):
            answer = sandbox.invoke(rest_event(path="/stream", query={"count": "3", "every_ms": "5"}))
            assert answer.head == {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "cookies": []}
            assert answer.body.count(b"\n") == 3
        assert sandbox.invoke(rest_event(path="/raise-before")).json["errorType"] == "Exploded"


@pytest.mark.parametrize(
    ("runtime", "start_file", "env"),
    [
        (OLDER, OTHER_CLIENT, {}),
        (NEWEST, OTHER_CLIENT, {}),
        (NEWEST, START_FILE, {"AWS_LAMBDA_MAX_CONCURRENCY": "1"}),
    ],
    ids=["older", "newest", "managed-instances"],
)
def test_the_start_fails_with_one_sentence_where_the_runtime_does_not_use_the_client(
    runtime: str, start_file: Path, env: dict[str, str]
) -> None:
    with RuntimeApi() as api:
        api.start("testkit.runtime_apps.raw", runtime_env(runtime) | env, start_file=start_file)
        error = api.init_error
    assert error is not None
    assert error["errorType"] == "Runtime.StreamingClientUnused"
    assert error["errorMessage"] == (
        f"Lambda's runtime (awslambdaric {runtime}) did not create the streaming layer's client, so no response could "
        "be sent: go back to the runtime version that worked, or update the layer (docs/deploy.md)."
    )
    assert error["stackTrace"] == []


def test_a_handler_that_is_not_streamed_needs_no_client() -> None:
    with RuntimeApi() as api:
        api.start("testkit.runtime_apps.plain", start_file=OTHER_CLIENT)
        assert api.send({"a": 1}).json == {"echo": {"a": 1}}


@pytest.mark.parametrize(("runtime", "sent_back"), [(OLDER, None), (NEWEST, "inner-7")])
def test_an_invocation_id_is_sent_back_where_the_runtime_knows_it(runtime: str, sent_back: str | None) -> None:
    with RuntimeApi() as api:
        api.start("testkit.runtime_apps.raw", runtime_env(runtime))
        recorded = api.send(rest_event(path="/echo"), headers={"Lambda-Runtime-Invocation-Id": "inner-7"})
    assert recorded.head["statusCode"] == 200
    assert recorded.headers.get("lambda-runtime-invocation-id") == sent_back
