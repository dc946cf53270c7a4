from collections.abc import AsyncIterator

import pytest

from testkit.turn_processes import Processes


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    processes = Processes()
    yield processes
    processes.store.gate.set()
    for tracker in processes.trackers:
        await tracker.close()
    assert not processes.tasks(), "a closed tracker leaves no task behind"
