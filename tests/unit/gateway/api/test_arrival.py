from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request

from gateway.api.arrival import arrival_of
from gateway.api.paths import ENTRY, Entry
from testkit.samples import NOON

RECEIVED_MS = int((NOON - timedelta(milliseconds=12)).timestamp() * 1000)


class Context:
    """What Lambda hands to a handler."""

    aws_request_id = "a-1"

    def get_remaining_time_in_millis(self) -> int:
        """The time that is left."""
        return 300_000


def arriving(**scope: Any) -> Request:
    return Request({"type": "http", ENTRY: Entry(NOON, 1.5, "t"), **scope})


def test_a_request_through_api_gateway() -> None:
    event = {"requestContext": {"requestId": "b-2", "requestTimeEpoch": RECEIVED_MS}}
    arrival = arrival_of(arriving(**{"aws.event": event, "aws.context": Context()}))
    assert (arrival.at, arrival.moment, arrival.queue_ms) == (NOON, 1.5, 12.0)
    assert (arrival.remaining_ms, arrival.lambda_id, arrival.api_gateway_id) == (300_000, "a-1", "b-2")


@pytest.mark.parametrize(
    "event", [None, "text", {}, {"requestContext": None}, {"requestContext": {"requestId": 7, "requestTimeEpoch": "x"}}]
)
def test_a_request_elsewhere_has_no_ids(event: object) -> None:
    arrival = arrival_of(arriving(**{"aws.event": event, "aws.context": object()}))
    assert (arrival.queue_ms, arrival.remaining_ms) == (None, None)
    assert (arrival.lambda_id, arrival.api_gateway_id) == (None, None)
