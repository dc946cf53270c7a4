"""Normalises request paths: clients append to a base URL that has /v1 or not, twice, or with extra slashes."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Protocol

from gateway.domain.clock import Clock
from switchboard.domain.trace_id import new_trace_id

# ASGI's own types: https://asgi.readthedocs.io/en/latest/specs/main.html
type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


class App(Protocol):
    """An ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""


ENTRY = "switchboard.entry"
"""The scope's key for the request's `Entry`."""

_BELOW_ANY_PREFIX = r"(?:/v1|/(?!v\d+(?:/|$))[^/]+)*?"
"""A custom domain's base path, and `/v1` however often it was pasted; no other version."""
_CANONICAL = (
    (re.compile(f"{_BELOW_ANY_PREFIX}/chat/completions"), "/v1/chat/completions"),
    (re.compile(f"{_BELOW_ANY_PREFIX}/models(/.+)?"), "/v1/models"),
    (re.compile(f"{_BELOW_ANY_PREFIX}/responses"), "/v1/responses"),
    (re.compile(f"{_BELOW_ANY_PREFIX}/health"), "/health"),
)


def canonical(path: str) -> str:
    """The path of the route that is meant; any other path without extra slashes."""
    trimmed = re.sub("/{2,}", "/", f"/{path}").rstrip("/") or "/"
    for pattern, route in _CANONICAL:
        if (match := pattern.fullmatch(trimmed)) is not None:
            return route + "".join(part for part in match.groups() if part)
    return trimmed


@dataclass(frozen=True, slots=True)
class Entry:
    """A request's arrival: in UTC, to the millisecond; in monotonic seconds; and the id that its answer carries."""

    at: datetime
    moment: float
    request_id: str


@dataclass(frozen=True, slots=True)
class PathRepair:
    """ASGI middleware: normalises the path and adds the request's entry to the scope."""

    app: App
    clock: Clock
    random: Random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = canonical(scope["path"])
            scope = {**scope, "path": path, "raw_path": path.encode(), ENTRY: self._entry()}
        await self.app(scope, receive, send)

    def _entry(self) -> Entry:
        moment, now = self.clock.monotonic(), self.clock.now()
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return Entry(at, moment, new_trace_id(at, self.random))
