"""The composition root of the local system: gateway, console and demo provider on one address."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import console.assembly
import console.settings
import gateway.assembly
from gateway.api.paths import canonical
from gateway.assembly import Dependencies
from gateway.recording.recorder import Recorder
from gateway.settings import Settings
from switchboard_local import demo

type Scope = MutableMapping[str, Any]
type App = Callable[[Scope, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ComposedApp:
    """Routes each request by its path: to the gateway, the console, the demo provider or the report on all parts.

    Only the gateway knows `demo_path`, which each start makes anew.
    """

    gateway: App
    console: App
    demo: App
    demo_path: str
    health: App

    async def __call__(self, scope: Scope, receive: object, send: object) -> None:
        path = scope["path"]
        if path.startswith(f"{self.demo_path}/"):
            inner = {**scope, "path": path.removeprefix(self.demo_path), "raw_path": None}
            await self.demo(inner, receive, send)
        elif path == "/console" or path.startswith(("/console/", "/api/")):
            await self.console(scope, receive, send)
        elif canonical(path) == "/health" and b"deep" in re.split(rb"[&=]", scope["query_string"]):
            await self.health(scope, receive, send)
        else:
            await self.gateway(scope, receive, send)


def build(
    settings: Settings, dependencies: Dependencies, environment: Mapping[str, str], records: Recorder, health: App
) -> App:
    """The whole system as one ASGI application. `records` is the gateway's recorder."""
    return ComposedApp(
        gateway=gateway.assembly.build(settings, dependencies, records),
        console=console.assembly.build(console.settings.Settings.from_env(environment)),
        demo=demo.create_app(),
        demo_path=urlsplit(settings.base_urls()["demo"]).path,
        health=health,
    )
