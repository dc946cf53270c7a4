"""The table that a command works on: a deployed stack's, the local system's, or one given by name."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import boto3
import typer

from switchboard.domain.search_terms import DEFAULT_METADATA
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.dynamodb import DynamoStore, connect
from switchboard.store.ledger.dimensions import DynamoDimensions
from switchboard.store.ledger.open_calls import DynamoOpenCalls
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.ports import KeyStore, PolicyStore, TraceStore
from switchboard.store.prices.price_book import DynamoBook
from switchboard.store.prices.price_ports import BookReader, PriceStore
from switchboard.store.prices.project_prices import DynamoPrices
from switchboard.store.query_ports import TraceFinder
from switchboard.store.search.trace_finder import DynamoTraceFinder
from switchboard_cli.deployments import use_deployment
from switchboard_cli.failure import CommandFailed
from switchboard_cli.moments import now
from switchboard_cli.stack import output

StackOption = Annotated[str | None, typer.Option("--stack", help="The name of the deployed stack.")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="The data folder of a running local system.")]
TableOption = Annotated[str | None, typer.Option("--table", envvar="TABLE_NAME", help="The name of the table.")]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint-url", envvar="DYNAMODB_ENDPOINT", help="A DynamoDB endpoint other than AWS's.")
]


@dataclass(frozen=True, slots=True)
class Target:
    """A table and its DynamoDB endpoint; None for AWS's."""

    table: str
    endpoint: str | None = None

    def key_store(self) -> KeyStore:
        """The keys in it."""
        return self._store()

    def policy_store(self) -> PolicyStore:
        """The policies in it."""
        return self._store()

    def trace_store(self, retention: timedelta) -> TraceStore:
        """The traces in it. What is written to it is kept so long."""
        return self._store(retention)

    def trace_finder(self) -> TraceFinder:
        """Finds the traces in it by several attributes, of the metadata entries by those that are usually indexed."""
        client = connect(endpoint=self.endpoint)
        costs, totals = DynamoDimensions(client, self.table), DynamoTotals(client, self.table)
        return DynamoTraceFinder(
            client, self.table, costs=costs, totals=totals, metadata_names=DEFAULT_METADATA, now=now
        )

    def audits(self) -> DynamoAudit:
        """What audits of its totals read and write."""
        return DynamoAudit(connect(endpoint=self.endpoint), self.table, now)

    def price_store(self) -> PriceStore:
        """The projects' own prices in it."""
        return DynamoPrices(connect(endpoint=self.endpoint), self.table)

    def price_book(self) -> BookReader:
        """The price book that is published in it."""
        return DynamoBook(connect(endpoint=self.endpoint), self.table)

    def dimensions_since(self, project: str) -> date | None:
        """The first day whose totals are complete in every dimension; None while there is none."""
        return DynamoDimensions(connect(endpoint=self.endpoint), self.table).dimensions_since(project)

    def projects(self) -> tuple[str, ...]:
        """Every project that ever had a key, by name. Raises StoreUnavailable."""
        found = DynamoOpenCalls(connect(endpoint=self.endpoint), self.table).projects()
        return tuple(sorted(sweep.project for sweep in found))

    def _store(self, retention: timedelta = timedelta(0)) -> DynamoStore:
        """Keys and policies do not expire, whatever the retention."""
        return DynamoStore(connect(endpoint=self.endpoint), self.table, retention=retention, clock=now)


def target(stack: str | None, data_dir: Path | None, table: str | None, endpoint: str | None) -> Target:
    """The target that the options select: --stack or --data-dir, else --table. Raises CommandFailed or botocore's."""
    if stack is not None and data_dir is not None:
        raise CommandFailed("Use --stack NAME or --data-dir FOLDER, not both: they are different tables.")
    if stack is not None:
        use_deployment(stack)
        return Target(output(boto3.client("cloudformation"), stack, "TableName"))
    if data_dir is not None:
        return _local(data_dir)
    if table is not None:
        return Target(table, endpoint)
    raise CommandFailed("No table given: use --stack NAME, --data-dir FOLDER (of `make run`) or --table NAME.")


def _local(data_dir: Path) -> Target:
    try:
        running = json.loads((data_dir / "running.json").read_text())
        return Target(running["table"], running["endpoint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandFailed(f"No local system is running on {data_dir}: start it with `make run`.") from error
