from collections.abc import Iterator

import pytest

from testkit.fuzz_gateway import FuzzedGateway


@pytest.fixture(scope="module")
def gateway() -> Iterator[FuzzedGateway]:
    """One gateway for all calls of a module."""
    running = FuzzedGateway()
    yield running
    running.close()
