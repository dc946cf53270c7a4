"""Calls that only the sweep finds get the facts of their conversations too, also when it is interrupted."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.trace import Status
from testkit.conversations import Talks, finished_call
from testkit.misfortune import Fault, Killed, Misfortune
from testkit.samples import a_key
from testkit.stream_events import SCHEDULED_EVENT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough


@pytest.fixture
def talks(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Talks:
    talks = Talks(dynamodb, dynamodb_endpoint, table)
    talks.store.put_key(a_key())
    return talks


def _sweep(talks: Talks) -> None:
    talks.aggregator.handle(SCHEDULED_EVENT, lambda: 60_000)


def test_swept_calls_are_in_their_conversation(talks: Talks) -> None:
    first, last = talks.call(-40), talks.call(-30)
    _sweep(talks)
    assert talks.find() == talks.expected([first, last])


def test_lost_calls_are_in_their_conversation(talks: Talks) -> None:
    call = replace(finished_call(-40), status=Status.OPEN, duration_ms=None)
    talks.store.open_trace(call)
    _sweep(talks)
    assert talks.stored(call).status is Status.LOST
    assert talks.find() == talks.expected([call])


@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems"])
@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_the_next_sweep_completes_what_an_interrupted_one_began(talks: Talks, operation: str, fault: Fault) -> None:
    calls = [talks.call(-40), talks.call(-30)]
    Misfortune(talks.sandbox, operation).faults[:] = [fault]
    with pytest.raises(Killed):
        _sweep(talks)
    _sweep(talks)
    assert talks.find() == talks.expected(calls)


def test_calls_whose_facts_cannot_be_written_are_left_to_the_next_sweep(talks: Talks) -> None:
    misfortune = Misfortune(talks.sandbox, "PutItem")
    misfortune.faults[:] = [Fault.THROTTLED] * 1000
    call = talks.call(-40)
    left = iter(range(60_000, 0, -1000))
    talks.aggregator.sweeping.sweep(lambda: next(left))
    assert talks.stored(call).settlement is None
    misfortune.faults.clear()
    _sweep(talks)
    assert talks.find() == talks.expected([call])
