"""Makes responses. Errors have OpenAI's shape, and their status from one table."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypedDict

from fastapi.responses import Response

from console import errors
from console.errors import AnswerTooLong, ReadRefused

MAX_ANSWER_BYTES = 6_200_000
"""Lambda's limit for a buffered response is 6 MiB (6,291,456 bytes), including headers."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How an error is reported to the caller."""

    http_status: int
    type: str
    code: str


_REQUEST = "invalid_request_error"
_AUTH = "authentication_error"
_SERVER = "server_error"

KINDS: dict[type[ReadRefused], Kind] = {
    errors.ParameterInvalid: Kind(400, _REQUEST, "parameter_invalid"),
    errors.PolicyRefused: Kind(400, _REQUEST, "policy_invalid"),
    errors.PriceRefused: Kind(400, _REQUEST, "price_invalid"),
    errors.KeyMissing: Kind(401, _AUTH, "key_missing"),
    errors.KeyUnknown: Kind(401, _AUTH, "key_unknown"),
    errors.KeyRevoked: Kind(401, _AUTH, "key_revoked"),
    errors.ScopeMissing: Kind(403, "permission_error", "scope_missing"),
    errors.TraceUnknown: Kind(404, _REQUEST, "trace_unknown"),
    errors.ConversationUnknown: Kind(404, _REQUEST, "conversation_unknown"),
    errors.BodyNotKept: Kind(404, _REQUEST, "body_not_kept"),
    errors.PolicyUnknown: Kind(404, _REQUEST, "policy_unknown"),
    errors.PriceUnknown: Kind(404, _REQUEST, "price_unknown"),
    errors.RouteUnknown: Kind(404, _REQUEST, "route_unknown"),
    errors.MethodRefused: Kind(405, _REQUEST, "method_refused"),
    errors.TooManyPolicies: Kind(409, _REQUEST, "policies_full"),
    errors.PriceConflict: Kind(409, _REQUEST, "price_exists"),
    errors.TooManyPrices: Kind(409, _REQUEST, "prices_full"),
    errors.BodyTooLarge: Kind(413, _REQUEST, "body_too_large"),
    errors.AnswerTooLong: Kind(413, _REQUEST, "answer_too_long"),
    errors.ConsoleFailed: Kind(500, _SERVER, "internal_error"),
    errors.ReadsUnavailable: Kind(503, _SERVER, "store_unavailable"),
}

_OF_EVERY_ROUTE = (
    errors.ParameterInvalid,
    errors.KeyMissing,
    errors.KeyUnknown,
    errors.KeyRevoked,
    errors.ScopeMissing,
    errors.AnswerTooLong,
    errors.ConsoleFailed,
    errors.ReadsUnavailable,
)

_LONGEST_ESCAPE = 6  # \u001b for one byte

# Responses contain conversations: they must not be cached, nor interpreted as HTML by a browser.
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class ErrorFactsJson(TypedDict):
    """What is wrong, as OpenAI's API says it; `param` names the parameter or field."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorJson(TypedDict):
    """The answer to every request that is refused or fails."""

    error: ErrorFactsJson


_ERROR_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorJson"}}}


def refusals(*of_this_route: type[ReadRefused]) -> dict[int | str, dict[str, object]]:
    """The errors of a route, for the API's document: by status, with their codes."""
    codes: dict[int | str, list[str]] = {}
    for kind in (kind for error, kind in KINDS.items() if error in {*_OF_EVERY_ROUTE, *of_this_route}):
        codes.setdefault(kind.http_status, []).append(f"`{kind.code}`")
    described = {status: ", ".join(names) for status, names in codes.items()}
    # The default has the model: each model takes a millisecond at every start. And with a default, FastAPI adds no 422
    # of its own shape, which never comes.
    declared: dict[int | str, dict[str, object]] = {
        status: {"description": text, "content": _ERROR_CONTENT} for status, text in described.items()
    }
    return {**declared, "default": {"model": ErrorJson, "description": "Every other error, in the same shape."}}


def answering[**P](endpoint: Callable[P, object]) -> Callable[P, Response]:
    """The endpoint, with what it returns answered as JSON. Its return type is in the API's document, and not checked
    again: what was stored is answered, even text that is no valid Unicode.
    """

    @wraps(endpoint)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Response:
        return answer_json(endpoint(*args, **kwargs))

    return answer


def answer_json(value: object) -> Response:
    """A response with the value as JSON."""
    return answer_bytes(_json_bytes(value), "application/json")


def answer_bytes(content: bytes, content_type: str) -> Response:
    """A response with these bytes, unchanged. Raises AnswerTooLong."""
    if (length := _length_on_lambda(content)) > MAX_ANSWER_BYTES:
        raise AnswerTooLong(
            f"The answer has {length:,} bytes; the maximum is {MAX_ANSWER_BYTES:,}. A trace's bodies can be "
            "read separately, at …/request and …/response."
        )
    # Not as `media_type`: Starlette would add a charset to text types.
    return Response(content, headers={**_HEADERS, "content-type": content_type})


def answer_error(error: ReadRefused) -> Response:
    """The response for an error."""
    kind = KINDS[type(error)]
    body: ErrorJson = {"error": {"message": error.message, "type": kind.type, "param": error.param, "code": kind.code}}
    response = answer_json(body)
    response.status_code = kind.http_status
    if kind.type == _AUTH:
        response.headers["www-authenticate"] = "Bearer"
    return response


def _length_on_lambda(content: bytes) -> int:
    """The length of the bytes in Lambda's response, where they are a JSON string or base64."""
    return len(content) if len(content) < MAX_ANSWER_BYTES // _LONGEST_ESCAPE else text_length(content)


def text_length(content: bytes) -> int:
    """The length of the bytes as a JSON string, or as base64 where they are no text."""
    try:
        return len(json.dumps(content.decode(), ensure_ascii=False).encode())
    except UnicodeDecodeError:
        return len(content) * 4 // 3


def _json_bytes(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # JSON allows a lone surrogate as an escape only, which is what this error handler writes.
    return text.encode("utf-8", "backslashreplace")
