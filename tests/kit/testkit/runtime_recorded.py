"""A function's result for one event, with times. Times are `time.monotonic_ns()`, the same clock in all processes."""

import base64
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any

DELIMITER = b"\0" * 8


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a streamed response, as read from the socket."""

    at_ns: int
    data: bytes


@dataclass(slots=True)
class Recorded:
    """One invocation's result. `path` is its kind: `…/response` or `…/error`."""

    invoke_id: str
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    trailer_bytes: int = 0
    ended_ns: int | None = None
    next_poll_ns: int | None = None
    settled: threading.Event = field(default_factory=threading.Event)

    @property
    def payload(self) -> bytes:
        """Everything that was posted."""
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def head(self) -> dict[str, Any]:
        """The prelude: `statusCode`, `headers`, `cookies`."""
        head: dict[str, Any] = json.loads(self.payload.partition(DELIMITER)[0])
        return head

    @property
    def body(self) -> bytes:
        """The payload after the prelude."""
        return self.payload.partition(DELIMITER)[2]

    @property
    def json(self) -> Any:
        """The posted document of a buffered result or an error."""
        return json.loads(self.payload)

    @property
    def trailing_error(self) -> dict[str, Any]:
        """The error that was reported after the first byte."""
        error: dict[str, Any] = json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))
        return error


def reports(log: str, name: str) -> list[dict[str, Any]]:
    """Return the fields of every line `name` that the applications reported in `log`."""
    # Lambda's log format ends a stack without a line break: a report may follow one on its line.
    lines = [json.loads(found) for found in re.findall(r"report (\{.*\})", log)]
    return [fields for fields in lines if fields["name"] == name]
