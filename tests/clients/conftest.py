from collections.abc import Iterator

import pytest

from testkit.local_system import LocalSystem, local_system


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """A local system for the clients."""
    with local_system(tmp_path_factory.mktemp("switchboard")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to the gateway do not use the machine's proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
