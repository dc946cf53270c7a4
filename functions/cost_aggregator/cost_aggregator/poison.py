"""Traces that cannot be settled, put aside with their key and the reason, so that the stream goes on without them."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from cost_aggregator.records import Place

MAX_REASON_CHARACTERS = 1000


class QueueUnavailable(Exception):
    """The queue did not take the message."""


@dataclass(frozen=True, slots=True)
class Poison:
    """A row that cannot be settled: where it is, where the stream told of it, and why not."""

    place: Place
    reason: str

    def to_json(self) -> str:
        """One line: `{"pk", "sk", "sequence_number", "reason"}`."""
        return json.dumps({**asdict(self.place), "reason": self.reason[:MAX_REASON_CHARACTERS]}, ensure_ascii=False)


class PoisonQueue(Protocol):
    """Where they are put."""

    def put(self, poison: Poison) -> None:
        """Keep it. Raises QueueUnavailable."""


class NoQueue:
    """For a deployment without a queue: what is put here is in the log, which has every poison."""

    def put(self, poison: Poison) -> None:
        """Nothing."""


class SqsPoisonQueue:
    """An SQS queue. `connect` gives its client when the first message is to be sent: most sandboxes never send one."""

    def __init__(self, url: str, connect: Callable[[], Any]) -> None:
        self._url = url
        self._connect = connect
        self._client: Any = None

    def put(self, poison: Poison) -> None:
        """Keep it. Raises QueueUnavailable."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as seldom as the client

        try:
            self._client = self._client or self._connect()
            self._client.send_message(QueueUrl=self._url, MessageBody=poison.to_json())
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(str(error)) from error
