"""A queue for traces that cannot be settled, with their key and the reason, so that they do not block the stream."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from cost_aggregator.records import RecordId

MAX_REASON_CHARACTERS = 1000


class QueueUnavailable(Exception):
    """The queue did not accept the message."""


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """A row that cannot be settled: its key, its record in the stream, and the reason."""

    record_id: RecordId
    reason: str

    def to_json(self) -> str:
        """One line: `{"pk", "sk", "sequence_number", "reason"}`."""
        return json.dumps({**asdict(self.record_id), "reason": self.reason[:MAX_REASON_CHARACTERS]}, ensure_ascii=False)


class PoisonQueue(Protocol):
    """Accepts traces that cannot be settled."""

    def put(self, poison: PoisonMessage) -> None:
        """Send the message. Raises QueueUnavailable."""


class NoQueue:
    """For a deployment without a queue. Does nothing: the log already has every such trace."""

    def put(self, poison: PoisonMessage) -> None:
        """Do nothing."""


class SqsPoisonQueue:
    """An SQS queue. `connect` makes the client before the first message is sent: most sandboxes never send one."""

    def __init__(self, url: str, connect: Callable[[], Any]) -> None:
        self._url = url
        self._connect = connect
        self._client: Any = None

    def put(self, poison: PoisonMessage) -> None:
        """Send the message. Raises QueueUnavailable."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - rarely needed

        try:
            self._client = self._client or self._connect()
            self._client.send_message(QueueUrl=self._url, MessageBody=poison.to_json())
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(str(error)) from error
