"""What the gateway answers besides calls: the models, its health, and paths that it does not serve."""

import json
from collections.abc import Callable

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.api.credentials import secrets_of
from gateway.api.error_answers import answer_internal
from gateway.api.models import description, listing
from gateway.api.responses import respond_to, respond_with_error, scrubbed_answer
from gateway.domain.errors import MethodRefused, RouteUnknown
from gateway.domain.secret import Scrubber

_METHOD_REFUSED = 405


def list_models(*, has_demo: bool) -> Callable[[Request], Response]:
    """`GET /v1/models`."""
    listed = json.dumps(listing(with_demo=has_demo)).encode()
    return lambda request: respond_to(request, listed)


def describe_model(*, has_demo: bool) -> Callable[[Request], Response]:
    """`GET /v1/models/{name}`."""

    def answer(request: Request) -> Response:
        name = request.path_params["name"]
        found = description(name, with_demo=has_demo)
        if found is None:
            message = f"The model {name!r} is not in the list. Calls may name any model that their provider has."
            return respond_with_error(request, scrubbed_answer(RouteUnknown(message), request))
        return respond_to(request, json.dumps(found).encode())

    return answer


async def refuse_responses(request: Request) -> Response:
    """`POST /v1/responses`, which OpenAI's newer clients call by default."""
    message = (
        "The gateway serves Chat Completions, not OpenAI's Responses API. Set the client to Chat Completions "
        "(AI SDK: `openai.chat(…)` or `@ai-sdk/openai-compatible`; ElevenLabs: API type `chat_completions`)."
    )
    return respond_with_error(request, scrubbed_answer(RouteUnknown(message), request))


async def tell_health(request: Request) -> Response:
    """`GET /health`."""
    return respond_to(request, b'{"status":"ok"}')


async def refuse_route(request: Request, exception: Exception) -> Response:
    """A path, or a method, that is not served."""
    status = exception.status_code if isinstance(exception, HTTPException) else 404
    message = f"There is nothing at {request.method} {request.url.path}. Calls go to POST /v1/chat/completions."
    refused = MethodRefused(message) if status == _METHOD_REFUSED else RouteUnknown(message)
    return respond_with_error(request, scrubbed_answer(refused, request))


async def answer_broken(request: Request, exception: Exception) -> Response:
    """A request in which the gateway itself failed; the server logs the exception."""
    Scrubber(secrets_of(request.headers)).exception(exception)
    return respond_with_error(request, answer_internal())
