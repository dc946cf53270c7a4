"""The smallest proxy with the same libraries, FastAPI and httpx: no key, no trace, no fallback."""

import sys
from collections.abc import AsyncIterator

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

app = FastAPI()
client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None, keepalive_expiry=300))


@app.post("/v1/chat/completions")
async def chat_completions(request: Request) -> StreamingResponse:
    """Forward the body, stream the answer back."""
    url = request.headers["x-inference-provider-url"] + "/v1/chat/completions"
    outgoing = client.build_request("POST", url, content=await request.body())
    answer = await client.send(outgoing, stream=True)

    async def chunks() -> AsyncIterator[bytes]:
        async for chunk in answer.aiter_raw():
            yield chunk
        await answer.aclose()

    return StreamingResponse(chunks(), media_type="text/event-stream")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
