"""Each data folder has a table of its own name, so that the data of another folder is never taken for its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from switchboard.store.dynamodb_client import connect
from switchboard_local.data_dir import DataDir
from switchboard_local.engine import running_engine
from switchboard_local.errors import CannotStart
from switchboard_local.own_table import own_table
from switchboard_local.table import create_table
from testkit.dynamodb import skip_without_engine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def client(tmp_path: Path) -> Iterator["DynamoDBClient"]:
    """A client of an empty engine."""
    skip_without_engine()
    with running_engine(tmp_path / "engine") as endpoint:
        client = connect(endpoint=endpoint)
        yield client
        client.close()


def folder(path: Path) -> DataDir:
    path.mkdir()
    return DataDir(path)


def test_two_folders_have_different_tables_and_keep_them(tmp_path: Path, client: "DynamoDBClient") -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / "two")
    names = [own_table(data, client, {}) for data in (one, two)]
    assert names[0] != names[1]
    assert [own_table(data, client, {}) for data in (one, two)] == names


def test_an_engine_with_the_table_of_another_folder_is_refused(tmp_path: Path, client: "DynamoDBClient") -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / "two")
    own_table(two, client, {})
    create_table(client, own_table(one, client, {}))
    with pytest.raises(CannotStart, match="belongs to another folder"):
        own_table(two, client, {})
    assert client.list_tables()["TableNames"] == [own_table(one, client, {})]


@pytest.mark.parametrize("kept", [None, "", "\n", "no table name!", b"\xff"])
def test_without_its_file_a_folder_finds_the_table_of_its_engine(
    kept: str | bytes | None, tmp_path: Path, client: "DynamoDBClient"
) -> None:
    create_table(client, "switchboard-local")
    data = folder(tmp_path / "data")
    if kept is not None:
        data.table.write_bytes(kept if isinstance(kept, bytes) else kept.encode())
    assert own_table(data, client, {}) == "switchboard-local"
    assert data.table.read_text() == "switchboard-local\n"


def test_the_users_own_name_comes_first(tmp_path: Path, client: "DynamoDBClient") -> None:
    assert own_table(folder(tmp_path / "data"), client, {"TABLE_NAME": "chosen-by-me"}) == "chosen-by-me"
    assert not (tmp_path / "data" / "table").exists()


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path, client: "DynamoDBClient") -> None:
    data = folder(tmp_path / "data")
    data.table.mkdir()
    with pytest.raises(CannotStart, match=r"table cannot be read: Is a directory\."):
        own_table(data, client, {})
