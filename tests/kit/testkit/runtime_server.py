"""The wire of the scripted Runtime API: HTTP/1.1 without a library, because tests check chunks and trailers."""

import contextlib
import socketserver
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol, cast

from testkit.runtime_recorded import Chunk, Recorded

_PREFIX = "/2018-06-01/runtime"


@dataclass(slots=True)
class Invocation:
    """One event to send, and the record of its result."""

    event: bytes
    recorded: Recorded
    deadline_ms: int
    hang_up_after_chunks: int | None = None
    extra_headers: dict[str, str] = field(default_factory=dict)


class Sandbox(Protocol):
    """The methods of the sandbox that the server calls."""

    def next_invocation(self) -> Invocation | None:
        """Settle the last invocation and wait for another; None when the sandbox ends."""

    def current(self, invoke_id: str) -> Invocation:
        """Return the invocation a result is posted for."""

    def fail_init(self, error: bytes) -> None:
        """Record an error during the start."""


class RuntimeServer(socketserver.ThreadingTCPServer):
    """Serves one sandbox; every connection has a thread."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.sandbox = sandbox


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            self._serve()

    def _serve(self) -> None:
        sandbox = cast("RuntimeServer", self.server).sandbox
        while line := self.rfile.readline().decode():
            method, path, _ = line.split(" ")
            headers = self._fields()
            if method == "GET":
                keep_open = self._answer_poll(sandbox.next_invocation())
            elif path == f"{_PREFIX}/init/error":
                sandbox.fail_init(self.rfile.read(int(headers["content-length"])))
                keep_open = self._reply(HTTPStatus.ACCEPTED)
            else:
                invocation = sandbox.current(path.split("/")[-2])
                invocation.recorded.path, invocation.recorded.headers = path, headers
                keep_open = self._record(invocation, headers)
            if not keep_open:
                return

    def _answer_poll(self, invocation: Invocation | None) -> bool:
        if invocation is None:
            return False
        return self._reply(
            HTTPStatus.OK,
            invocation.event,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": invocation.recorded.invoke_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:function",
                **invocation.extra_headers,
            },
        )

    def _record(self, invocation: Invocation, headers: Mapping[str, str]) -> bool:
        recorded = invocation.recorded
        if headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                data = self.rfile.read(size)
                recorded.chunks.append(Chunk(time.monotonic_ns(), data))
                self.rfile.readline()
                if len(recorded.chunks) == invocation.hang_up_after_chunks:
                    return False
            recorded.trailers = self._fields()
            recorded.trailer_bytes = sum(len(name) + len(value) + 4 for name, value in recorded.trailers.items())
        else:
            data = self.rfile.read(int(headers["content-length"]))
            recorded.chunks.append(Chunk(time.monotonic_ns(), data))
        recorded.ended_ns = time.monotonic_ns()
        return self._reply(HTTPStatus.ACCEPTED)

    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        while line := self.rfile.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return fields

    def _reply(self, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bool:
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)
        return True
