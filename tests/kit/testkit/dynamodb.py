"""A real DynamoDB engine for tests."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from switchboard_local.engine import EngineMissing, engine_command, running_engine
from switchboard_local.table import create_table
from testkit.missing import missing

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


@contextmanager
def engine_for_tests() -> Iterator[str]:
    """The endpoint of an empty engine. Without an engine the test is skipped (in CI it fails)."""
    skip_without_engine()
    with (
        tempfile.TemporaryDirectory(prefix="switchboard-dynamodb-") as folder,
        running_engine(Path(folder)) as endpoint,
    ):
        yield endpoint


def skip_without_engine() -> None:
    """Skips the test on a machine that has no engine; in CI it fails."""
    try:
        engine_command(Path(), "127.0.0.1", 0)
    except EngineMissing as error:
        missing(str(error))


def new_table(client: "DynamoDBClient") -> str:
    """The name of a new table as in the template (the engine's streams need names of at least eleven characters)."""
    name = f"switchboard-{uuid4().hex[:12]}"
    create_table(client, name)
    return name


def items_of(client: "DynamoDBClient", table: str) -> "list[dict[str, AttributeValueTypeDef]]":
    """Every item of the table."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def item_bytes(item: "Mapping[str, AttributeValueTypeDef]") -> int:
    """An item's size as DynamoDB counts it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _attribute_bytes(value) for name, value in item.items())


def _attribute_bytes(attribute: "AttributeValueTypeDef") -> int:
    [(kind, value)] = cast("Mapping[str, Any]", attribute).items()
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return len(value.strip("-0.")) // 2 + 2
        case "L":
            return 3 + sum(1 + _attribute_bytes(inner) for inner in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _attribute_bytes(inner) for name, inner in value.items())
        case _:
            return 1
