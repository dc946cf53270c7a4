"""The gateway's entry point on Lambda: one API Gateway event, one reply.

With the streaming layer the reply is streamed; without it (`sam local`) it is buffered.
"""

# ruff: noqa: E402 - the collector is off while everything else is imported
import gc

gc.disable()  # What is imported stays: looking for garbage in it would take a twentieth of the start.

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

gc.freeze()  # Later collections pass over what was imported: going through it would hold a call up for 30 ms.
gc.enable()
