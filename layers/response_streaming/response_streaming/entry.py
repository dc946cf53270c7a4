"""The handler that Lambda's runtime calls: the function's own handler, streamed if it is a `Mangum`."""

import asyncio
import os
from typing import Any

from response_streaming.client import require_streaming_client
from response_streaming.function import load
from response_streaming.handler import StreamingHandler, is_mangum

# Set before the function is imported: Mangum, and clients made at import, must use the loop they will run on.
_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)

os.environ["_HANDLER"] = os.environ.pop("RESPONSE_STREAMING_HANDLER")
_function = load(os.environ["_HANDLER"])

if is_mangum(_function):
    require_streaming_client()
    handler: Any = StreamingHandler(_function, _loop)
else:
    handler = _function
