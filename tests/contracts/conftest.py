from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import pytest

from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import KeyStore, PolicyStore, TraceStore, TurnStore
from testkit.ledger_books import Books
from testkit.memory_store import MemoryStore
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Store(KeyStore, PolicyStore, TraceStore, TurnStore, Protocol):
    """All ports in one, as every store implements them."""


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store of each kind."""
    if request.param == "memory":
        return MemoryStore()
    client, table = request.getfixturevalue("dynamodb"), request.getfixturevalue("table")
    return DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)


@pytest.fixture
def books(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Books:
    return Books(dynamodb, dynamodb_endpoint, table)
