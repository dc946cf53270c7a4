"""The console's entry point on Lambda, for API Gateway events, with buffered responses."""

import asyncio
import os

from mangum import Mangum

from console.assembly import build
from console.settings import Settings

# Mangum runs on the current event loop, and warns if there is none.
asyncio.set_event_loop(asyncio.new_event_loop())

handler = Mangum(build(Settings.from_env(os.environ)), lifespan="off")
