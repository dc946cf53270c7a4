"""Cuts what is read of an answer into slices, so that no read keeps the event loop from other calls for long."""

import asyncio
import time
from collections.abc import AsyncIterator

SLICE_BYTES = 4096
"""A chunk of this size is handled at once. The smallest events have two bytes: two thousand take a few milliseconds."""
PAUSE_AFTER_S = 0.001
"""How long slices are handled before other calls go on."""


async def in_slices(chunk: bytes) -> AsyncIterator[bytes]:
    """The chunk in slices, with pauses for other calls between them."""
    since_s = time.monotonic()
    for start in range(0, len(chunk), SLICE_BYTES):
        if time.monotonic() - since_s >= PAUSE_AFTER_S:
            await asyncio.sleep(0)
            since_s = time.monotonic()
        yield chunk[start : start + SLICE_BYTES]
