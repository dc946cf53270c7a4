"""Reports a failure in mid-stream to the Runtime API, as HTTP trailers."""

import base64
import json
import traceback

# Lambda's emulator crashes on trailers above 4,096 bytes, including names and line ends.
MAX_BYTES = 4_000

_TYPE = "Lambda-Runtime-Function-Error-Type"
_BODY = "Lambda-Runtime-Function-Error-Body"
NAMES = (_TYPE, _BODY)

_MAX_TYPE_CHARS = 200
_MAX_MESSAGE_CHARS = 200  # 2,400 bytes at most: an emoji is twelve bytes of JSON


def error_trailers(error: BaseException) -> bytes:
    """Return the trailer lines for `error`, at most `MAX_BYTES`: its type, its message, its innermost frames."""
    error_type = type(error).__name__.encode("ascii", "replace").decode()[:_MAX_TYPE_CHARS]
    frames = traceback.format_tb(error.__traceback__)
    message = str(error)[:_MAX_MESSAGE_CHARS]
    while len(lines := _lines(error_type, message, frames)) > MAX_BYTES and frames:
        frames = frames[1:]
    return lines


def _lines(error_type: str, message: str, frames: list[str]) -> bytes:
    report = {"errorMessage": message, "errorType": error_type, "stackTrace": frames}
    body = base64.b64encode(json.dumps(report).encode()).decode()
    return f"{_TYPE}: {error_type}\r\n{_BODY}: {body}\r\n".encode()
