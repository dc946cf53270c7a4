"""What AWS would delete goes from the local table and its stream as well."""

from typing import Any

import pytest

from switchboard_local import retention
from switchboard_local.retention import Retention
from testkit.engine_table import EngineTable

NOW = 1_800_000_000


def retention_of(table: EngineTable, done: str | None = None) -> Retention:
    return Retention(
        table.client,
        table.name,
        data_dir=table.folder,
        stream_arn=table.stream,
        done=lambda _shard_id: done,
        now=lambda: NOW,
    )


def test_expired_items_are_deleted_and_no_others(dynoxide_table: EngineTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "READ_AT_ONCE", 10)
    dynoxide_table.write(*(f"over {number}" for number in range(25)), expires_at=NOW - 1)
    dynoxide_table.write("now", expires_at=NOW)
    dynoxide_table.write("later", expires_at=NOW + 1)
    dynoxide_table.write("never")
    retention_of(dynoxide_table).expire()
    assert dynoxide_table.names() == ["later", "never", "now"]


def test_an_item_that_is_renewed_meanwhile_stays(dynoxide_table: EngineTable, monkeypatch: pytest.MonkeyPatch) -> None:
    dynoxide_table.write("renewed", "over", expires_at=NOW - 1)
    delete_item = dynoxide_table.client.delete_item

    def renew_first(**request: Any) -> Any:
        dynoxide_table.write("renewed", expires_at=NOW + 100)
        return delete_item(**request)

    monkeypatch.setattr(dynoxide_table.client, "delete_item", renew_first)
    retention_of(dynoxide_table).expire()
    assert dynoxide_table.names() == ["renewed"]


def test_all_processed_stream_records_are_deleted(dynoxide_table: EngineTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TRIMMED_AT_ONCE", 10)
    dynoxide_table.write(*range(35))
    before = dynoxide_table.numbers
    retention_of(dynoxide_table, str(before[29])).trim()
    assert dynoxide_table.numbers == before[29:]


def test_it_goes_on_after_an_error_and_ends_with_its_block(
    dynoxide_table: EngineTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TRIM_EVERY_S", 0.01)
    dynoxide_table.write("over", expires_at=NOW - 1)
    working = retention_of(dynoxide_table)
    turns: list[str] = []

    def trim() -> None:
        turns.append("trim")
        if len(turns) == 1:
            raise OSError("the file is away")

    def expire() -> None:
        Retention.expire(working)
        working._stopping.set()

    monkeypatch.setattr(working, "trim", trim)
    monkeypatch.setattr(working, "expire", expire)
    with working:
        working._thread.join(10)
    assert not working._thread.is_alive()
    assert (len(turns), dynoxide_table.names()) == (2, [])


def test_the_log_says_once_that_it_keeps_failing(
    dynoxide_table: EngineTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "TRIM_EVERY_S", 0.001)
    working = retention_of(dynoxide_table)
    turns: list[str] = []

    def fail() -> None:
        turns.append("trim")
        if len(turns) == 3 * retention.FAILURES_TOLERATED:
            working._stopping.set()
        raise OSError("the file is away")

    monkeypatch.setattr(working, "trim", fail)
    with working:
        working._thread.join(10)
    assert [record.getMessage() for record in caplog.records] == [
        "expired items and processed stream records are not deleted: OSError('the file is away')"
    ]
