from collections.abc import AsyncIterator

import pytest

from testkit.fault_house import Matrix, fault_matrix


@pytest.fixture(scope="module")
async def matrix() -> AsyncIterator[Matrix]:
    """The fault matrix, one for the module: each row of it is played once."""
    async with fault_matrix() as played:
        yield played
