from collections.abc import Iterator

import pytest

from testkit.local_system import LocalSystem, local_system


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """A local system that a module's tests share."""
    with local_system(tmp_path_factory.mktemp("switchboard")) as running:
        yield running
