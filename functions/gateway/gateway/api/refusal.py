"""The reply to a request of a known caller that did not become a call."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from fastapi.responses import Response

from gateway.api.paths import Receive, Send


@dataclass(frozen=True, slots=True)
class Refusal:
    """Sends the error, and then records the request, whatever the connection raises."""

    response: Response
    record: Callable[[], Awaitable[None]]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        try:
            await self.response(scope, receive, send)
        finally:
            await self.record()
