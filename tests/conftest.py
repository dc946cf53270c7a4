import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from switchboard.store.dynamodb_client import connect
from testkit.dynamodb import engine_for_tests, new_table
from testkit.exclusive import turn

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


HAVE_LONG_TESTS = ("local", "properties", "runtime")
SLOW_FOLDERS = ("fuzz", "recorded")
"""Their tests have the folder's name as a marker, by which `make test` leaves them out."""

# The same examples in every run and no deadline: a failure is a fault of the code, not of a slow machine.
settings.register_profile("switchboard", derandomize=True, deadline=None)
settings.load_profile("switchboard")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: more workers than cores, because half of the tests' time is waiting for deadlines."""
    return 3 * (os.process_cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests run first, so that none is left over at the end; those that run alone come last."""

    def position(item: pytest.Item) -> tuple[bool, bool]:
        return item.get_closest_marker("alone") is not None, item.path.parent.name not in HAVE_LONG_TESTS

    items.sort(key=position)
    for item in items:
        if item.path.parent.name in SLOW_FOLDERS:
            item.add_marker(item.path.parent.name)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """If several workers run tests, one marked `alone` runs while no other does, its fixtures included."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop implementation: the one that runs on Lambda."""
    return "asyncio"


@pytest.fixture(scope="session")
def dynamodb_endpoint() -> Iterator[str]:
    """The address of a real DynamoDB engine, one for the whole run."""
    with engine_for_tests() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def dynamodb(dynamodb_endpoint: str) -> Iterator["DynamoDBClient"]:
    """A client of that engine."""
    client = connect(endpoint=dynamodb_endpoint)
    yield client
    client.close()


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> str:
    """The name of a table that is this test's own."""
    return new_table(dynamodb)
