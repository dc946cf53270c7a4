from collections.abc import Iterator

import pytest

from testkit.twins.gateway import TwinGateway, twin_gateway


@pytest.fixture(scope="session")
def running() -> Iterator[TwinGateway]:
    """One gateway before all twins, for the whole run."""
    with twin_gateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(running: TwinGateway) -> TwinGateway:
    """That gateway, with nothing remembered of what the twins refused before."""
    running.house.forget()
    return running
