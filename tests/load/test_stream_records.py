"""A write to the local table takes the same time however many stream records the engine has."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from switchboard_local.engine_database import FILE
from testkit.engine_table import EngineTable, dynoxide, engine_table

pytestmark = pytest.mark.load

RECORDS = 20_000
WRITES = 200
IMAGE = "x" * 5000
COPY = """INSERT INTO _stream_records
    (table_name, event_name, keys_json, new_image, sequence_number, shard_id, created_at)
    SELECT table_name, event_name, keys_json, ?, ?, shard_id, created_at FROM _stream_records
    WHERE table_name = ? LIMIT 1"""


def write_ms(table: EngineTable) -> float:
    """The time of the quickest of many writes: the rest of it is the machine's."""
    times = []
    for number in range(WRITES):
        began_at = time.perf_counter()
        table.write(number)
        times.append((time.perf_counter() - began_at) * 1000)
    return min(times)


def test_twenty_thousand_stream_records_do_not_slow_a_write(tmp_path: Path) -> None:
    with dynoxide(tmp_path) as endpoint, engine_table(tmp_path, endpoint) as table:
        table.write("warm")
        before_ms = write_ms(table)
        first = table.numbers[-1] + 1
        with closing(sqlite3.connect(tmp_path / FILE)) as file, file:
            file.executemany(COPY, [(IMAGE, str(number), table.name) for number in range(first, first + RECORDS)])
        after_ms = write_ms(table)
        assert after_ms < 3 * before_ms + 2, f"{before_ms:.1f} ms before"
        assert len(table.numbers) == RECORDS + 2 * WRITES + 1
