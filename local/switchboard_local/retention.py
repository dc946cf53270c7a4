"""Deletes what the engine keeps for ever and AWS does not: expired items, and stream records that are processed."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from switchboard_local.engine_database import trim_stream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRIM_EVERY_S = 5.0
TRIMMED_AT_ONCE = 100
EXPIRE_EVERY_S = 3600.0
READ_AT_ONCE = 100
FAILURES_TOLERATED = 10
"""In a row: the engine may be busy, or start again. Then the log says it once."""
PAUSE_S = 0.02
"""Between two batches, so that the writes of calls come in between."""

_log = logging.getLogger(__name__)


class Retention:
    """Works in its own thread while a `with` block runs. What fails is tried again at the next turn.

    `done` returns the sequence number of a shard's last processed stream record; `now` the seconds since 1970.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        data_dir: Path,
        stream_arn: str,
        done: Callable[[str], str | None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._table = table
        self._data_dir = data_dir
        self._stream_arn = stream_arn
        self._done = done
        self._now = now
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(PAUSE_S * 10)  # a batch in progress is a transaction: nothing is lost if it is cut

    def _run(self) -> None:
        expire_at, failures = time.monotonic(), 0
        while not self._stopping.wait(TRIM_EVERY_S):
            try:
                self.trim()
                if time.monotonic() >= expire_at:
                    self.expire()
                    expire_at = time.monotonic() + EXPIRE_EVERY_S
                failures = 0
            except (sqlite3.Error, BotoCoreError, ClientError, OSError) as error:
                failures += 1
                if failures == FAILURES_TOLERATED:
                    _log.warning("expired items and processed stream records are not deleted: %r", error)

    def trim(self) -> None:
        """Delete all stream records that are processed."""
        while trim_stream(self._data_dir, self._stream_arn, self._done, TRIMMED_AT_ONCE) == TRIMMED_AT_ONCE:
            if self._stopping.wait(PAUSE_S):
                return

    def expire(self) -> None:
        """Delete all items whose time is over, as DynamoDB does."""
        over = {":now": {"N": str(int(self._now()))}}
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="expires_at < :now",
            ExpressionAttributeValues=over,
            ProjectionExpression="pk, sk",
            PaginationConfig={"PageSize": READ_AT_ONCE},
        )
        for page in pages:
            for key in page["Items"]:
                self._delete(key, over)
            if self._stopping.wait(PAUSE_S):
                return

    def _delete(self, key: dict[str, Any], over: dict[str, Any]) -> None:
        try:
            self._client.delete_item(
                TableName=self._table,
                Key=key,
                ConditionExpression="expires_at < :now",
                ExpressionAttributeValues=over,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # renewed meanwhile
