"""Faults of requests to DynamoDB: errors, lost responses, and the end of the sandbox before or after a request."""

import json
from collections.abc import Iterator
from enum import Enum
from threading import local
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Killed(BaseException):
    """Simulates the end of the sandbox."""


class Fault(Enum):
    """A fault of one request."""

    NONE = "nothing"
    CONFLICT = "another writer is on one of its rows"
    THROTTLED = "the table is busy"
    ANSWER_LOST = "applied, but the response is lost"
    KILLED_BEFORE = "the sandbox dies before it is sent"
    KILLED_AFTER = "the sandbox dies after it is done"


_ERRORS: dict[Fault, dict[str, Any]] = {
    Fault.CONFLICT: {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled",
        "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
    },
    Fault.THROTTLED: {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow down"},
}


class _RawBody:
    """An error's body as urllib3 would stream it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> Iterator[bytes]:
        yield self._content


class Misfortune:
    """Applies the scripted faults to a client's requests of that kind, in order, whichever thread sends them."""

    def __init__(self, client: "DynamoDBClient", operation: str = "TransactWriteItems") -> None:
        self.faults: list[Fault] = []
        self._of_thread = local()
        before: Any = self._before  # the stubs do not know that a hook may answer itself
        client.meta.events.register(f"before-send.dynamodb.{operation}", before)
        client.meta.events.register(f"after-call.dynamodb.{operation}", self._after)

    def _before(self, **_event: object) -> AWSResponse | None:
        fault = self._of_thread.fault = self.faults.pop(0) if self.faults else Fault.NONE
        if fault is Fault.KILLED_BEFORE:
            raise Killed
        if fault in _ERRORS:
            return AWSResponse("", 400, HTTPHeaders(), _RawBody(json.dumps(_ERRORS[fault]).encode()))
        return None

    def _after(self, **_event: object) -> None:
        if self._of_thread.fault is Fault.KILLED_AFTER:
            raise Killed
        if self._of_thread.fault is Fault.ANSWER_LOST:
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
