"""A store that never answers, on Lambda's runtime: a cold sandbox says so after two seconds, and is free."""

import json
import time

import pytest

from gateway.api.auth import FIRST_WAIT_S
from testkit.events import rest_event
from testkit.runtime_api import RuntimeApi
from testkit.upstream import Answer, End, ScriptedUpstream


@pytest.mark.alone
@pytest.mark.load
def test_the_first_key_look_up_takes_two_seconds_at_most() -> None:
    event = rest_event("POST", "/v1/chat/completions", body="{}", headers={"Authorization": "Bearer sb-any"})
    with ScriptedUpstream(Answer(before_headers=[End.HANG])) as store, RuntimeApi() as api:
        env = {"TABLE_NAME": "a-table", "DYNAMODB_ENDPOINT": f"http://{store.host}"}
        api.start(handler="gateway.handler.handler", env=env)
        for _ in range(2):
            began = time.monotonic()
            recorded = api.send(event)
            assert time.monotonic() - began < FIRST_WAIT_S + 0.5, "the sandbox is free for another call"
            assert recorded.head["statusCode"] == 503
            error = json.loads(recorded.body)["error"]
            assert error["code"] == "keys_unavailable"
            assert error["message"] == "The gateway cannot look up keys at the moment. Try again."
