from random import Random

import pytest

from gateway.api.paths import ENTRY, Message, PathRepair, Receive, Scope, Send, canonical
from gateway.domain.clock import Clock

COMPLETIONS = [
    "/v1/chat/completions",
    "/chat/completions",
    "/v1/v1/chat/completions",
    "/chat/completions/chat/completions",
    "/v1/chat/completions/chat/completions",
    "/v1/chat/completions/v1/chat/completions",
    "/v1/chat/completions/",
    "/v1/chat/completions//",
    "//v1//chat///completions",
    "/v1//chat/completions/",
    "//chat/completions",
    "v1/chat/completions",
]


@pytest.mark.parametrize("path", COMPLETIONS)
def test_every_joined_path_of_completions_is_normalised(path: str) -> None:
    assert canonical(path) == "/v1/chat/completions"


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/v1/v1/models", "//v1/models/"])
def test_every_joined_path_of_models_is_normalised(path: str) -> None:
    assert canonical(path) == "/v1/models"


@pytest.mark.parametrize("path", ["/health", "/v1/health", "//health//"])
def test_every_joined_path_of_health_is_normalised(path: str) -> None:
    assert canonical(path) == "/health"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/", "/"),
        ("", "/"),
        ("///", "/"),
        ("/v1", "/v1"),
        ("/v2/chat/completions", "/v2/chat/completions"),
        ("/v1/completions", "/v1/completions"),
        ("/v1/chat/completionsx", "/v1/chat/completionsx"),
        ("/v1/chat/completions/1", "/v1/chat/completions/1"),
        ("/v1/models/gpt-4o", "/v1/models/gpt-4o"),
        ("/api/traces/", "/api/traces"),
    ],
)
def test_another_path_keeps_its_segments(path: str, meant: str) -> None:
    assert canonical(path) == meant


async def test_the_application_gets_the_normalised_path_and_the_arrival_time() -> None:
    seen: list[Scope] = []
    await _joins(seen)({"type": "http", "path": "//v1/v1/chat/completions/", "raw_path": b"//"}, _receive, _send)
    assert [(scope["path"], scope["raw_path"], scope[ENTRY].moment) for scope in seen] == [
        ("/v1/chat/completions", b"/v1/chat/completions", 7.5)
    ]


async def test_a_scope_that_is_not_http_is_unchanged() -> None:
    seen: list[Scope] = []
    lifespan = {"type": "lifespan"}
    await _joins(seen)(lifespan, _receive, _send)
    assert seen == [{"type": "lifespan"}]


def _joins(seen: list[Scope]) -> PathRepair:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        seen.append(scope)

    return PathRepair(app, Clock(monotonic=lambda: 7.5), Random(1))


async def _receive() -> Message:
    raise AssertionError("nothing is read")


async def _send(message: Message) -> None:
    raise AssertionError(f"nothing is sent, but was: {message}")
