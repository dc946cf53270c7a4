"""A real DynamoDB engine for tests."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from switchboard_local.engine import EngineMissing, running_engine
from switchboard_local.table import create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@contextmanager
def engine_for_tests() -> Iterator[str]:
    """The endpoint of an empty engine; skips the test where there is none (in CI it fails)."""
    with tempfile.TemporaryDirectory(prefix="switchboard-dynamodb-") as folder, ExitStack() as stack:
        try:
            endpoint = stack.enter_context(running_engine(Path(folder)))
        except EngineMissing as missing:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(missing))
        yield endpoint


def new_table(client: "DynamoDBClient") -> str:
    """The name of a fresh table of the template's shape (the engine's streams need eleven characters)."""
    name = f"switchboard-{uuid4().hex[:12]}"
    create_table(client, name)
    return name
