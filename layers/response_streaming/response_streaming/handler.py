"""The handler of a streamed function: Mangum reads the event, and the application runs on the sandbox's event loop."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any, TypeGuard

from response_streaming.exchange import Exchange

if TYPE_CHECKING:
    from mangum import Mangum
    from mangum.types import LambdaContext


def is_mangum(handler: object) -> "TypeGuard[Mangum]":
    """Return whether `handler` is a Mangum adapter, without importing Mangum into functions that do not use it."""
    mangum = sys.modules.get("mangum")
    return mangum is not None and isinstance(handler, mangum.Mangum)


class StreamingHandler:
    """Returns an exchange once the application starts its response; the runtime client then relays the response."""

    def __init__(self, mangum: "Mangum", loop: asyncio.AbstractEventLoop) -> None:
        if mangum.lifespan != "off":
            raise ValueError('a streamed handler must be Mangum(app, lifespan="off"): Lambda announces no shutdown')
        self._mangum = mangum
        self._loop = loop

    def __call__(self, event: dict[str, Any], context: "LambdaContext") -> Exchange:
        """Return the exchange once the application has sent its first message; raises what it raises before that."""
        request = self._mangum.infer(event, context)
        exchange = Exchange(
            self._loop,
            scope=request.scope,
            body=request.body,
            excluded_headers=frozenset(self._mangum.config["exclude_headers"]),
            left_ms=context.get_remaining_time_in_millis,
        )
        exchange.begin(self._mangum.app)
        return exchange
