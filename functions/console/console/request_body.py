"""Reads the body of a request, no further than a bound."""

from fastapi import Request


async def beginning(request: Request, most_bytes: int) -> bytes:
    """The body, or its beginning, longer than the bound, if it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            break
    return bytes(body)
