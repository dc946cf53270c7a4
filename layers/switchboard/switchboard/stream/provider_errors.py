"""Reads the errors of providers, of a body or inside an answer, in any of their shapes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

_WHY = ("message", "detail", "msg", "title")
"""Where a body without an `error` says what is wrong: Mistral, FastAPI, Z.AI, RFC 9457."""

type Json = Mapping[str, object]

_MAX_DETAILS = 5
_EVENT_FIELDS = (b"data:", b"event:")


@dataclass(frozen=True, slots=True)
class InBandError:
    """A provider's error, of a body or inside a stream, with the provider's own names for it where it has any.

    `kind` is OpenAI's `type` (Google's `status`), `param` the field of the request that is wrong.
    """

    message: str
    code: str | None = None
    kind: str | None = None
    param: str | None = None


def read_error(body: bytes) -> InBandError:
    """The message and code of an error body in any of the providers' shapes; the text itself if it has none."""
    try:
        parsed = read_value(_event_data(body) if body.lstrip().startswith(_EVENT_FIELDS) else body)
    except ValueError:
        return InBandError(body.decode("utf-8", "replace").strip() or "no body")
    if isinstance(parsed, list) and parsed:  # Google wraps its error in an array
        parsed = parsed[0]
    return error_of(parsed) or InBandError(json.dumps(parsed))


def _event_data(body: bytes) -> bytes:
    """The data of the first event: servers of streams also write the body of an error status as one."""
    event = body.strip().replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return b"\n".join(line[5:] for line in event.split(b"\n") if line.startswith(b"data:"))


def read_value(text: bytes) -> object:
    """The JSON value. Raises ValueError, also for one that is nested too deeply."""
    try:
        parsed: object = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return parsed


def may_be_error(body: Json, *, is_whole: bool) -> bool:
    """Whether a chunk, or a whole answer, says that it is an error."""
    if body.get("object") == "error" or body.get("type") == "error":
        return True
    if "error" in body or "errors" in body:
        # Beside choices an empty one is a filler.
        return not body.get("choices") or bool(_telling(body.get("error")) or _telling(body.get("errors")))
    if "base_resp" in body and _base_resp(body) is not None:
        return True
    # A whole answer without choices is no completion: what else it says is why. A chunk may just tell its progress.
    return is_whole and not body.get("choices") and any(isinstance(body.get(name), str) for name in _WHY)


def error_of(body: object) -> InBandError | None:
    """The error that an object has; None where it has none."""
    if not isinstance(body, dict):
        return None
    told = _telling(body.get("error"))
    if told is None and (details := _details(body)):
        return _of_details(details, body)
    places = (told, _base_resp(body), body.get("message"), _first(body.get("errors")), *map(body.get, _WHY[1:]))
    error = next((found for found in places if found and isinstance(found, str | dict)), None)
    if error is None:
        return None
    if isinstance(error, str):  # its names are beside it
        return _named(error, body)
    return _named(_text(error.get("message")) or json.dumps(error), error)


def _telling(error: object) -> object:
    """The error, of a list the first one; None for one that says nothing, as some servers send with every answer."""
    error = _first(error) if isinstance(error, list) else error
    if isinstance(error, dict) and not any(error.values()):
        return None
    return error or None


def _base_resp(body: Json) -> Json | None:
    """MiniMax's error, which comes with status 200; None where its code is 0, which is success."""
    told = body.get("base_resp")
    if not isinstance(told, dict) or not told.get("status_code"):
        return None
    return {"message": told.get("status_msg"), "code": told["status_code"]}


def _details(body: Json) -> list[object]:
    """Pydantic's list of errors, in `message.detail` (Mistral), `message` or `detail` (vLLM, LiteLLM)."""
    message = body.get("message")
    inner = message.get("detail") if isinstance(message, dict) else message
    found = inner if isinstance(inner, list) else body.get("detail")
    return found if isinstance(found, list) else []


def _of_details(details: list[object], body: Json) -> InBandError:
    """One error of them all: location and message of each; the names of the first, where the body has none."""
    first = details[0] if isinstance(details[0], dict) else {}
    text = "; ".join(_described(detail) for detail in details[:_MAX_DETAILS])
    own = _named(text or json.dumps(body), body)
    steps = _steps(first)
    param = ".".join(steps[1:] if steps[:1] == ["body"] else steps)
    return InBandError(own.message, own.code, own.kind or _name(first.get("type")), own.param or param or None)


def _described(detail: object) -> str:
    if not isinstance(detail, dict):
        return str(detail)
    return ": ".join(
        part for part in (".".join(_steps(detail)), str(detail.get("msg") or detail.get("type") or "")) if part
    )


def _steps(detail: Json) -> list[str]:
    location = detail.get("loc")
    return [str(step) for step in location] if isinstance(location, list) else []


def _named(message: str, fields: Json) -> InBandError:
    """The error with the names that the object has for it."""
    kind = _name(fields.get("type"))
    return InBandError(
        message,
        _name(fields.get("code")),
        _name(fields.get("status")) if kind in (None, "error") else kind,
        _name(fields.get("param")),
    )


def _name(value: object) -> str | None:
    """A name as text; providers also have numbers for their errors."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
