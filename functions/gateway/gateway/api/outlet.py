"""The caller's connection: the only module that writes to it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.api.paths import Message, Send

type Header = tuple[str, str]

_ALWAYS: tuple[Header, ...] = (("x-content-type-options", "nosniff"),)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def head(headers: Iterable[Header]) -> list[tuple[bytes, bytes]]:
    """The headers of a response, as ASGI sends them: every response of the gateway has its headers from here.

    What HTTP cannot carry in a value (a task id may hold any printable character) is escaped, not dropped.
    """
    return [(name.encode(), _carried(value)) for name, value in (*headers, *_ALWAYS)]


def _carried(value: str) -> bytes:
    if value.isascii() and value.isprintable():  # nearly every value
        return value.strip(" ").encode()
    encoded = value.encode("latin-1", "backslashreplace").strip(b" \t")
    return _CONTROL.sub(lambda found: b"\\x%02x" % ord(found.group()), encoded)


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
        await self._send({"type": "http.response.start", "status": status, "headers": head(headers)})

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
