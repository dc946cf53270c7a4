"""The caller's connection: the only module that writes to it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.api.paths import Message, Send

type Header = tuple[str, str]


class CallerLeft(Exception):
    """The caller's connection is closed."""


@dataclass(slots=True)
class Outlet:
    """Sends one response. Every method raises CallerLeft where the connection is closed."""

    send: Send
    has_begun: bool = field(default=False, init=False)

    async def begin(self, status: int, headers: Iterable[Header]) -> None:
        """Send the status and the headers."""
        self.has_begun = True
        # What HTTP cannot carry in a header (a task id may hold any printable character) is escaped, not dropped.
        encoded = [(name.encode(), value.encode("latin-1", "backslashreplace")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, content: bytes) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self, content: bytes = b"") -> None:
        """Send the last part of the body."""
        await self._send({"type": "http.response.body", "body": content, "more_body": False})

    async def _send(self, message: Message) -> None:
        try:
            await self.send(message)
        except OSError as closed:
            raise CallerLeft from closed
