from datetime import timedelta
from typing import Protocol

import pytest

from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import KeyStore, PolicyStore, TraceStore, TurnStore
from testkit.memory_store import MemoryStore
from testkit.samples import NOON


class Store(KeyStore, PolicyStore, TraceStore, TurnStore, Protocol):
    """All ports in one, as every store implements them."""


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store of each kind."""
    if request.param == "memory":
        return MemoryStore()
    client, table = request.getfixturevalue("dynamodb"), request.getfixturevalue("table")
    return DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
