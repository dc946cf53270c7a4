"""The gateway's entry point on Lambda: one API Gateway event, one reply.

With the streaming layer the reply is streamed; without it (`sam local`) it is buffered.
"""

import asyncio
import os

from mangum import Mangum

from gateway.assembly import build, dependencies
from gateway.recording.observability import telemetry
from gateway.settings import Settings

# Mangum runs on the current loop. One loop for the life of the sandbox, because pooled connections belong to it.
asyncio.set_event_loop(asyncio.new_event_loop())

_settings = Settings.from_env(os.environ)

handler = Mangum(build(_settings, dependencies(_settings, os.environ, telemetry())), lifespan="off")
