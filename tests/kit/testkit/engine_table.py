"""A table in an engine whose file the test may open."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from switchboard.store.dynamodb_client import connect
from switchboard_local.engine import dynoxide_path, running_engine
from switchboard_local.engine_database import FILE
from testkit.dynamodb import new_table, skip_without_engine
from testkit.missing import missing

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class EngineTable:
    """A new table in the engine."""

    folder: Path
    client: "DynamoDBClient"
    name: str

    @property
    def stream(self) -> str:
        """The ARN of its stream."""
        return self.client.describe_table(TableName=self.name)["Table"]["LatestStreamArn"]

    @property
    def numbers(self) -> list[int]:
        """The sequence numbers of its stream records."""
        with closing(sqlite3.connect(self.folder / FILE)) as file:
            found = file.execute("SELECT sequence_number FROM _stream_records WHERE table_name = ?", (self.name,))
            return sorted(int(number) for (number,) in found)

    def write(self, *names: object, expires_at: int | None = None) -> None:
        """Put an item for each name."""
        expiry = {} if expires_at is None else {"expires_at": {"N": str(expires_at)}}
        for name in names:
            key = {"pk": {"S": str(name)}, "sk": {"S": "x"}}
            self.client.put_item(TableName=self.name, Item={**key, **expiry})

    def names(self) -> list[str]:
        """The names of its items."""
        return sorted(item["pk"]["S"] for item in self.client.scan(TableName=self.name)["Items"])


@contextmanager
def dynoxide(folder: Path) -> Iterator[str]:
    """The endpoint of an engine on that folder. Skips the test where the engine is not dynoxide."""
    skip_without_engine()
    if not dynoxide_path().exists():
        missing("the file is dynoxide's: `make setup` installs it")
    with running_engine(folder) as endpoint:
        yield endpoint


@contextmanager
def engine_table(folder: Path, endpoint: str) -> Iterator[EngineTable]:
    """A new table in that engine."""
    with closing(connect(endpoint=endpoint)) as client:
        yield EngineTable(folder, client, new_table(client))
