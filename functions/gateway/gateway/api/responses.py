"""Responses that are no answer of a provider: JSON of the gateway's own."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.credentials import secrets_of
from gateway.api.error_answers import ErrorAnswer, answer_error
from gateway.api.outlet import Header, head
from gateway.api.paths import ENTRY, Entry
from gateway.domain.errors import GatewayError
from gateway.domain.secret import Scrubber

JSON = "application/json"


def entry_of(request: Request) -> Entry:
    """The request's entry, which the middleware has made."""
    entry: Entry = request.scope[ENTRY]
    return entry


def call_headers(trace_id: str, task_id: str) -> list[Header]:
    """The headers by which a caller finds its call again. OpenAI's clients know the id as `x-request-id`."""
    return [("x-inference-trace-id", trace_id), ("x-inference-task-id", task_id), ("x-request-id", trace_id)]


def respond(body: bytes, headers: list[Header], status: int = 200) -> Response:
    """A response with this JSON."""
    response = Response(body, status)
    response.raw_headers = head([("content-type", JSON), ("content-length", str(len(body))), *headers])
    return response


def respond_to(request: Request, body: bytes) -> Response:
    """A response to a request that is no call."""
    return respond(body, [("x-request-id", entry_of(request).request_id)])


def respond_with_error(request: Request, answer: ErrorAnswer, task_id: str | None = None) -> Response:
    """A response with an error. `task_id`: of the call that it refuses; None where it is no call."""
    request_id = entry_of(request).request_id
    headers = [("x-request-id", request_id)] if task_id is None else call_headers(request_id, task_id)
    return respond(answer.body, [*answer.headers, *headers], answer.failure.http_status)


def scrubbed_answer(error: GatewayError, request: Request) -> ErrorAnswer:
    """The answer for an error, without the keys that are in the request's headers."""
    return answer_error(error).scrubbed(Scrubber(secrets_of(request.headers)))
