"""The engine's file: writes do not slow down with stream records, and processed records go."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from switchboard_local.engine_database import (
    FILE,
    DatabaseFile,
    DatabaseReplaced,
    has_stream,
    index_stream_records,
    trim_stream,
)
from switchboard_local.table_stream import connect_streams
from testkit.engine_table import EngineTable

LARGEST = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1"
"""As the engine asks at every write."""


def trim(dynoxide_table: EngineTable, done: int | None, limit: int = 100) -> int:
    """Trim the stream, of which the records up to `done` are processed."""
    return trim_stream(
        dynoxide_table.folder, dynoxide_table.stream, lambda _: None if done is None else str(done), limit
    )


def test_the_engines_question_at_every_write_uses_the_index(dynoxide_table: EngineTable) -> None:
    dynoxide_table.write(1)
    for _ in range(2):
        index_stream_records(dynoxide_table.folder)
    with closing(sqlite3.connect(dynoxide_table.folder / FILE)) as file:
        plan = " ".join(str(row) for row in file.execute(f"EXPLAIN QUERY PLAN {LARGEST}", (dynoxide_table.name,)))
    assert "switchboard_stream_records (table_name=?)" in plan


def test_a_folder_without_a_database_stays_as_it_is(tmp_path: Path) -> None:
    index_stream_records(tmp_path)
    assert not has_stream(tmp_path, "arn:aws:dynamodb:x:0:table/t/stream/1")
    assert list(tmp_path.iterdir()) == []


def test_processed_records_are_deleted_in_batches_and_the_last_one_stays(dynoxide_table: EngineTable) -> None:
    dynoxide_table.write(*range(10))
    last = dynoxide_table.numbers[-1]
    assert [trim(dynoxide_table, last, limit=4) for _ in range(4)] == [4, 4, 1, 0]
    assert dynoxide_table.numbers == [last]
    dynoxide_table.write(11)
    assert dynoxide_table.numbers == [last, last + 1], "the engine continues counting"


def test_records_that_are_not_processed_stay(dynoxide_table: EngineTable) -> None:
    dynoxide_table.write(*range(10))
    before = dynoxide_table.numbers
    assert trim(dynoxide_table, None) == 0
    assert trim(dynoxide_table, before[3]) == 3
    assert dynoxide_table.numbers == before[3:]
    assert read_after(dynoxide_table, before[3]) == before[4:]


def read_after(dynoxide_table: EngineTable, number: int) -> list[int]:
    streams = connect_streams(dynoxide_table.client.meta.endpoint_url)
    (shard,) = streams.describe_stream(StreamArn=dynoxide_table.stream)["StreamDescription"]["Shards"]
    position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": str(number).zfill(21)}
    iterator = streams.get_shard_iterator(StreamArn=dynoxide_table.stream, ShardId=shard["ShardId"], **position)
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    streams.close()
    return [int(record["dynamodb"]["SequenceNumber"]) for record in records]


def test_a_position_that_is_ahead_of_the_stream_deletes_nothing(dynoxide_table: EngineTable) -> None:
    dynoxide_table.write(*range(3))
    before = dynoxide_table.numbers
    assert trim(dynoxide_table, before[-1] + 1) == 0
    assert dynoxide_table.numbers == before


def test_another_tables_stream_deletes_nothing(dynoxide_table: EngineTable) -> None:
    dynoxide_table.write(*range(3))
    assert has_stream(dynoxide_table.folder, dynoxide_table.stream)
    for other in (f"{dynoxide_table.stream}1", dynoxide_table.stream.replace(dynoxide_table.name, "switchboard-other")):
        assert not has_stream(dynoxide_table.folder, other)
        assert trim_stream(dynoxide_table.folder, other, lambda _: "3", 100) == 0
    assert len(dynoxide_table.numbers) == 3


def test_an_empty_stream_deletes_nothing(dynoxide_table: EngineTable) -> None:
    assert trim(dynoxide_table, 3) == 0


def test_the_engines_writes_wait_while_another_process_writes(dynoxide_table: EngineTable) -> None:
    with closing(sqlite3.connect(dynoxide_table.folder / FILE, isolation_level=None, check_same_thread=False)) as file:
        file.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, file.rollback)
        release.start()
        dynoxide_table.write("waits")
        assert release.finished.is_set()
        release.join()
    assert dynoxide_table.names() == ["waits"]


def test_a_file_that_is_deleted_or_replaced_is_noticed_until_it_is_back(tmp_path: Path) -> None:
    path, away = tmp_path / FILE, tmp_path / "away"
    path.touch()
    file = DatabaseFile(tmp_path, lambda: 0)
    file.check()
    path.rename(away)
    with pytest.raises(DatabaseReplaced):
        file.check()
    path.touch()
    with pytest.raises(DatabaseReplaced):
        file.check()
    away.replace(path)
    file.check()


def test_an_engine_that_was_started_again_works_with_the_new_file(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    starts = [0]
    file = DatabaseFile(tmp_path, lambda: starts[0])
    (tmp_path / "other").touch()
    (tmp_path / "other").replace(tmp_path / FILE)
    starts[0] = 1
    file.check()
    starts[0] = 2
    (tmp_path / FILE).unlink()
    with pytest.raises(DatabaseReplaced):
        file.check()


def test_a_folder_of_another_engine_is_not_watched(tmp_path: Path) -> None:
    DatabaseFile(tmp_path, lambda: 0).check()
