"""The head of a streamed response: status, headers and cookies as JSON, followed by eight NUL bytes."""

import json
from collections.abc import Container, Iterable

_DELIMITER = b"\0" * 8


def prelude(status: int, headers: Iterable[tuple[bytes, bytes]], excluded: Container[str] = ()) -> bytes:
    """Return the bytes that precede the payload.

    Repeated headers are joined with a comma, which every field but `set-cookie` allows; cookies are a separate list.
    Header bytes are Latin-1, as in HTTP.
    """
    joined: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in excluded:
            continue
        if name == "set-cookie":
            cookies.append(value)
        else:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    head = {"statusCode": status, "headers": joined, "cookies": cookies}
    return json.dumps(head, separators=(",", ":")).encode() + _DELIMITER
