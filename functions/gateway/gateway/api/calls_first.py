"""Serves calls before FastAPI looks at them."""

from dataclasses import dataclass

from gateway.api.paths import App, Receive, Scope, Send

CALLS_PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class CallsFirst:
    """ASGI middleware: a POST to the path of calls goes to `calls`, everything else to `others`.

    FastAPI's own layers do nothing for a call, take as long as reading its body, and wrap every part of its answer.
    """

    calls: App
    others: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["type"] == "http" and scope["path"] == CALLS_PATH and scope["method"] == "POST"
        await (self.calls if is_call else self.others)(scope, receive, send)
