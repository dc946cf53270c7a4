"""A proxy before a DynamoDB engine, for tests of what a gateway asks of its table, and when."""

import http.client
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from testkit.upstream import Answer, Framing, Request


@dataclass(slots=True)
class WatchedEngine:
    """Passes every request on, and records it with its time."""

    endpoint: str
    seen: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        self.seen.append((time.monotonic_ns(), request.headers["x-amz-target"].rpartition(".")[2], request.json))
        with closing(http.client.HTTPConnection(urlsplit(self.endpoint).netloc)) as engine:
            passed = {n: v for n, v in request.headers.items() if n not in {"host", "content-length"}}
            engine.request(request.method, request.path, request.body, passed)
            answer = engine.getresponse()
            headers = {"content-type": "application/x-amz-json-1.0"}
            return Answer([answer.read()], answer.status, headers, framing=Framing.LENGTH)

    def writes(self, status: str) -> list[int]:
        """When trace rows with that status were written."""
        return [at for at, what, body in self.seen if what == "PutItem" and body["Item"].get("status") == {"S": status}]
