"""Reads a table's stream shard by shard from the position in a checkpoint file."""

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

_LOST_POSITION = frozenset({"ExpiredIteratorException", "TrimmedDataAccessException"})
_TRIMMED = "TrimmedDataAccessException"
_SEQUENCE_NUMBER = re.compile(r"[0-9]{1,40}")
_SEQUENCE_NUMBER_CHARACTERS = 21  # botocore refuses fewer, and some engines count from 1


class Checkpoint:
    """The last processed record of each shard, in a file."""

    def __init__(self, path: Path, stream_arn: str) -> None:
        self._path = path
        self._stream_arn = stream_arn
        self._done: dict[str, str] = _read(path, stream_arn)

    def done(self, shard_id: str) -> str | None:
        """The sequence number of the last processed record; None if there is none."""
        return self._done.get(shard_id)

    def keep(self, shard_id: str, sequence_number: str) -> None:
        """Write that all records up to this one are processed. Raises OSError if only this process knows it."""
        self._done[shard_id] = sequence_number
        self._write()

    def forget(self, shard_id: str) -> None:
        """Remove the shard, because it or its position no longer exists."""
        if self._done.pop(shard_id, None) is not None:
            with suppress(OSError):  # the next position that is kept says so
                self._write()

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"stream_arn": self._stream_arn, "done": self._done}))
        os.replace(fresh, self._path)  # noqa: PTH105 - atomic: the file is complete at any time


class TableStream:
    """The records of a stream, oldest first within a shard. Each is read again until it is in the checkpoint."""

    def __init__(self, client: Any, stream_arn: str, checkpoint: Checkpoint) -> None:  # noqa: ANN401 - has no types
        self.arn = stream_arn
        self._client = client
        self._checkpoint = checkpoint
        self._iterators: dict[str, str | None] = {}

    def find_shards(self) -> bool:
        """List the shards. A shard that was read to its end is not read again.

        Returns whether a position in the checkpoint was after the end of its shard: the table was replaced by an older
        copy. Such a shard is read from its beginning.
        """
        found = self._list_shards()
        for shard_id in self._iterators.keys() - set(found):
            self._checkpoint.forget(shard_id)
        self._iterators = {shard_id: self._iterators.get(shard_id, "") for shard_id in found}
        ahead = [shard_id for shard_id in found if self._is_ahead(shard_id)]
        for shard_id in ahead:
            self.go_back(shard_id)
            self._checkpoint.forget(shard_id)
        return bool(ahead)

    def shards(self) -> Sequence[str]:
        """The shards that may have records to read."""
        return [shard_id for shard_id, iterator in self._iterators.items() if iterator is not None]

    def read(self, shard_id: str, limit: int) -> list[dict[str, Any]]:
        """The next records of a shard."""
        try:
            iterator = self._iterators[shard_id] or self._iterator(shard_id)
            answer = self._client.get_records(ShardIterator=iterator, Limit=limit)
        except ClientError as error:
            if (code := error.response["Error"]["Code"]) not in _LOST_POSITION:
                raise
            if code == _TRIMMED:
                self._checkpoint.forget(shard_id)
            self.go_back(shard_id)
            return []
        # Only a missing next iterator marks the end of a shard.
        self._iterators[shard_id] = answer.get("NextShardIterator")
        return list(answer["Records"])

    def done(self, shard_id: str, sequence_number: str) -> None:
        """Write to the checkpoint that all records up to this one are processed."""
        self._checkpoint.keep(shard_id, sequence_number)

    def go_back(self, shard_id: str) -> None:
        """Read again from the first record that is not processed."""
        self._iterators[shard_id] = ""

    def _list_shards(self) -> list[str]:
        request, found = {"StreamArn": self.arn}, []
        while True:
            description = self._client.describe_stream(**request)["StreamDescription"]
            found += [shard["ShardId"] for shard in description["Shards"]]
            if "LastEvaluatedShardId" not in description:
                return found
            request["ExclusiveStartShardId"] = description["LastEvaluatedShardId"]

    def _is_ahead(self, shard_id: str) -> bool:
        """Whether no record is at the position or after it. The shard's own description is not used for that: Dynoxide
        compares numbers in it as text."""
        done = self._checkpoint.done(shard_id)
        if done is None:
            return False
        try:
            iterator = self._position(shard_id, "AT_SEQUENCE_NUMBER", done)
            records = self._client.get_records(ShardIterator=iterator, Limit=1)["Records"]
        except ClientError as error:
            if error.response["Error"]["Code"] == _TRIMMED:
                return False  # which `read` finds as well
            raise
        return not records or int(records[0]["dynamodb"]["SequenceNumber"]) < int(done)

    def _iterator(self, shard_id: str) -> str:
        done = self._checkpoint.done(shard_id)
        if done is None:
            return self._position(shard_id, "TRIM_HORIZON")
        return self._position(shard_id, "AFTER_SEQUENCE_NUMBER", done)

    def _position(self, shard_id: str, kind: str, number: str | None = None) -> str:
        position = {"StreamArn": self.arn, "ShardId": shard_id, "ShardIteratorType": kind}
        if number is not None:
            position["SequenceNumber"] = number.zfill(_SEQUENCE_NUMBER_CHARACTERS)
        iterator: str = self._client.get_shard_iterator(**position)["ShardIterator"]
        return iterator


def connect_streams(endpoint: str) -> Any:  # noqa: ANN401 - the client has no types
    """A client for the streams of the engine at that address."""
    session = get_session()
    session.set_credentials("local", "local")
    retries: Any = {"mode": "standard", "total_max_attempts": 1}
    config = Config(connect_timeout=1, read_timeout=3, retries=retries, proxies={})
    return session.create_client("dynamodbstreams", region_name="local", endpoint_url=endpoint, config=config)


def _read(path: Path, stream_arn: str) -> dict[str, str]:
    """The file's content; empty if there is no file, it is damaged, or of another stream."""
    try:
        kept = json.loads(path.read_bytes())
        if kept["stream_arn"] != stream_arn:
            return {}
        return {str(shard_id): _sequence_number(text) for shard_id, text in kept["done"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _sequence_number(text: str) -> str:
    if not _SEQUENCE_NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no sequence number")
    return text
