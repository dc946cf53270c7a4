"""The deployed functions in containers, with a DynamoDB engine and a demo provider on this machine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.store.dynamodb import DynamoStore, connect
from switchboard_local.demo import Pace, create_app
from switchboard_local.engine import running_engine
from testkit import sam
from testkit.containers import CONTAINERS_SEE_US_AS, Kept, require_engine, served
from testkit.dynamodb import new_table

ALL_INTERFACES = "0.0.0.0"  # containers do not reach loopback


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A real engine with an empty table and the example key."""
    require_engine()
    with running_engine(tmp_path_factory.mktemp("dynamodb"), host=ALL_INTERFACES) as endpoint:
        client = connect(endpoint=endpoint)
        table_name = new_table(client)
        store = DynamoStore(client, table_name, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
        store.put_key(GatewayKey(digest(sam.EXAMPLE_KEY), "example", frozenset(Scope), datetime.now(UTC)))
        yield Kept("example", table_name, endpoint.replace("127.0.0.1", CONTAINERS_SEE_US_AS), client, store)
        client.close()


@pytest.fixture(scope="session")
def demo_host() -> Iterator[str]:
    """The demo provider's address for containers."""
    demo = Starlette(routes=[Mount("/v1", create_app(Pace(first_word_s=0.0, words_per_s=1000.0)))])
    with served(demo, ALL_INTERFACES) as port:
        yield f"{CONTAINERS_SEE_US_AS}:{port}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, kept: Kept, demo_host: str) -> sam.BuiltStack:
    """The template, built for this machine and configured with the engine and the demo provider."""
    table = {"TABLE_NAME": kept.table_name}
    demo = {"PROVIDER_BASE_URLS": f"demo=http://{demo_host}/v1"}
    return sam.build(
        tmp_path_factory.mktemp("build"),
        {"DynamoDbEndpoint": kept.endpoint, "PrivateProviderHosts": demo_host, "KeylessProviders": "demo"},
        {"GatewayFunction": {**table, **demo}, "CostAggregatorFunction": table, "ConsoleFunction": table},
    )
