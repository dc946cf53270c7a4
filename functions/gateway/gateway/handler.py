"""The gateway's door on Lambda: one API Gateway event, one reply.

Under the streaming layer the reply leaves as it comes; without it (`sam local`), in one piece.
"""

import asyncio
import os

from mangum import Mangum

from gateway.assembly import build, dependencies
from gateway.recording.observability import telemetry
from gateway.settings import Settings

# Mangum runs on the current loop; there is one for the life of the sandbox, and warm connections belong to it.
asyncio.set_event_loop(asyncio.new_event_loop())

_settings = Settings.from_env(os.environ)

handler = Mangum(build(_settings, dependencies(_settings, os.environ, telemetry())), lifespan="off")
