"""Normalises request paths: clients append to a base URL that has /v1 or not, twice, or with extra slashes."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.domain.clock import Clock

# ASGI's own types: https://asgi.readthedocs.io/en/latest/specs/main.html
type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


class App(Protocol):
    """An ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""


ARRIVED = "switchboard.arrived"

_CANONICAL = (
    (re.compile(r"(/v1)*((/v1)?/chat/completions)+"), "/v1/chat/completions"),
    (re.compile(r"(/v1)*/models"), "/v1/models"),
    (re.compile(r"(/v1)*/health"), "/health"),
)


def canonical(path: str) -> str:
    """The path of the route that is meant; any other path without extra slashes."""
    trimmed = re.sub("/{2,}", "/", f"/{path}").rstrip("/") or "/"
    return next((route for pattern, route in _CANONICAL if pattern.fullmatch(trimmed)), trimmed)


@dataclass(frozen=True, slots=True)
class PathRepair:
    """ASGI middleware: normalises the path and adds the arrival time, in monotonic seconds, to the scope."""

    app: App
    clock: Clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = canonical(scope["path"])
            scope = {**scope, "path": path, "raw_path": path.encode(), ARRIVED: self.clock.monotonic()}
        await self.app(scope, receive, send)
