"""The handler Lambda's runtime is given: it loads the function's own, and streams it if it is a `Mangum`."""

import asyncio
import os

from response_streaming.door import StreamingDoor, is_mangum
from response_streaming.function import load

# The loop is there before the function is imported: Mangum and warm clients find the one they will run on.
_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)

os.environ["_HANDLER"] = os.environ.pop("RESPONSE_STREAMING_HANDLER")
_function = load(os.environ["_HANDLER"])

handler = StreamingDoor(_function, _loop) if is_mangum(_function) else _function
