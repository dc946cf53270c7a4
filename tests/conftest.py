from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from switchboard.dynamodb_client import connect
from testkit.dynamodb import engine_for_tests, new_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# The same examples in every run, and no word about a slow machine: a failure here is a fault of ours.
settings.register_profile("switchboard", derandomize=True, deadline=None)
settings.load_profile("switchboard")


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
