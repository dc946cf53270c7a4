"""The demo provider: an OpenAI-compatible model, `demo/echo`, that needs no provider key."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from switchboard_local.demo_answer import answer
from switchboard_local.demo_completion import ChatRequest, Completion, InvalidBody


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the demo streams its answer."""

    first_word_s: float = 0.15
    words_per_s: float = 40.0

    async def wait_for(self, word: int, began_at: float) -> None:
        """Return when that word is due (the first is 0). A late word does not delay the following ones."""
        due_at = began_at + self.first_word_s + word / self.words_per_s
        await asyncio.sleep(max(0.0, due_at - asyncio.get_running_loop().time()))


def create_app(pace: Pace | None = None) -> Starlette:
    """The demo as an ASGI application: `POST /chat/completions`."""
    pace = pace or Pace()

    async def complete(request: Request) -> Response:
        try:
            chat = ChatRequest.parse(await request.body())
        except InvalidBody as refused:
            return _error_response(refused)
        completion = Completion(chat, answer(chat.messages, chat.tools, chat.tool_choice, chat.response_format))
        if chat.is_streamed:
            return StreamingResponse(_events(completion, pace), media_type="text/event-stream")
        await pace.wait_for(len(completion.pieces), asyncio.get_running_loop().time())
        return JSONResponse(completion.whole())

    return Starlette(routes=[Route("/chat/completions", complete, methods=["POST"])])


async def _events(completion: Completion, pace: Pace) -> AsyncIterator[bytes]:
    began_at = asyncio.get_running_loop().time()
    yield _event(completion.first_chunk())
    for word, chunk in enumerate(completion.chunks()):
        await pace.wait_for(word, began_at)
        yield _event(chunk)
    for last in completion.last_chunks():
        yield _event(last)
    yield b"data: [DONE]\n\n"


def _event(data: Mapping[str, object]) -> bytes:
    return b"data: %b\n\n" % json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _error_response(refused: InvalidBody) -> Response:
    error = {"message": str(refused), "type": "invalid_request_error", "param": refused.param, "code": None}
    return JSONResponse({"error": error}, 400)
