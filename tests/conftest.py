import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop implementation: the one that runs on Lambda."""
    return "asyncio"
