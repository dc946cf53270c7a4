"""Needs a container engine, and serves what containers reach on this machine."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn

from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.totals import DynamoTotals
from testkit.missing import missing

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONTAINERS_SEE_US_AS = "host.docker.internal"


@dataclass(frozen=True, slots=True)
class Kept:
    """A table that containers write to, at `endpoint`; `client` and `store` read it here. It has the example key."""

    project: str
    table_name: str
    endpoint: str
    client: "DynamoDBClient"
    store: DynamoStore

    @property
    def totals(self) -> DynamoTotals:
        """The totals of the settled calls."""
        return DynamoTotals(self.client, self.table_name)


def require_engine() -> None:
    """Skip the test if no container engine answers; in CI it fails."""
    address = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    is_local = address.scheme == "unix"
    with closing(socket.socket(socket.AF_UNIX if is_local else socket.AF_INET)) as probe:
        try:
            probe.connect(address.path if is_local else (address.hostname, address.port))
        except OSError:
            missing("no container engine answers: start Docker, or set DOCKER_HOST to one that speaks its API")


@contextmanager
def served(app: Any, host: str) -> Iterator[int]:
    """The port on which the ASGI application is served until the block ends."""
    with closing(socket.socket()) as listener:
        listener.bind((host, 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
