from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.engine_table import EngineTable, dynoxide, engine_table


@pytest.fixture(scope="package")
def dynoxide_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder and the endpoint of a running engine."""
    folder = tmp_path_factory.mktemp("engine")
    with dynoxide(folder) as endpoint:
        yield folder, endpoint


@pytest.fixture
def dynoxide_table(dynoxide_on: tuple[Path, str]) -> Iterator[EngineTable]:
    """A new table in it."""
    with engine_table(*dynoxide_on) as table:
        yield table
