from collections.abc import Iterator

import pytest

from testkit.twins.gateway import TwinGateway, twin_gateway


@pytest.fixture(scope="session")
def running() -> Iterator[TwinGateway]:
    """One gateway in front of all twins, for the whole run."""
    with twin_gateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(running: TwinGateway) -> TwinGateway:
    """That gateway, the twins' lists of requests and refusals cleared."""
    running.twins.clear()
    return running
