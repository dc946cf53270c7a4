"""The queue for what cannot be settled."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cost_aggregator.poison import MAX_REASON_CHARACTERS, PoisonMessage, QueueUnavailable, SqsPoisonQueue
from cost_aggregator.records import RecordId

POISON = PoisonMessage(RecordId("7", "P#acme#TRACES#1", "the-trace"), "ä" * 5000)


class Sqs:
    """Accepts messages, or is unavailable."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.sent: list[dict[str, str]] = []
        self._is_away = is_away

    def send_message(self, **message: str) -> None:
        if self._is_away:
            raise EndpointConnectionError(endpoint_url="https://sqs")
        self.sent.append(message)


def test_the_message_names_the_row_and_the_reason() -> None:
    sqs = Sqs()
    SqsPoisonQueue("https://queue", lambda: sqs).put(POISON)
    [message] = sqs.sent
    assert message["QueueUrl"] == "https://queue"
    body = json.loads(message["MessageBody"])
    assert body.pop("reason") == "ä" * MAX_REASON_CHARACTERS
    assert body == {"pk": "P#acme#TRACES#1", "sk": "the-trace", "sequence_number": "7"}


def test_the_client_is_made_once_before_the_first_message() -> None:
    made: list[Any] = []

    def connect() -> Sqs:
        made.append(Sqs())
        return made[-1]  # type: ignore[no-any-return]

    queue = SqsPoisonQueue("https://queue", connect)
    assert made == []
    queue.put(POISON)
    queue.put(POISON)
    [sqs] = made
    assert len(sqs.sent) == 2


def test_an_unavailable_queue_raises_queue_unavailable() -> None:
    with pytest.raises(QueueUnavailable):
        SqsPoisonQueue("https://queue", lambda: Sqs(is_away=True)).put(POISON)
