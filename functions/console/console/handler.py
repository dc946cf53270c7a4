"""The console's door on Lambda: one API Gateway event, one answer in one piece."""

import asyncio
import os

from mangum import Mangum

from console.assembly import build
from console.settings import Settings

# Mangum runs on the current loop, and warns where there is none.
asyncio.set_event_loop(asyncio.new_event_loop())

handler = Mangum(build(Settings.from_env(os.environ)), lifespan="off")
