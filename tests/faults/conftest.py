from collections.abc import AsyncIterator

import pytest

from testkit.fault_targets import Matrix, fault_matrix


@pytest.fixture(scope="module")
async def matrix() -> AsyncIterator[Matrix]:
    """The fault matrix, one for the module: each group of cells runs once."""
    async with fault_matrix() as matrix:
        yield matrix
