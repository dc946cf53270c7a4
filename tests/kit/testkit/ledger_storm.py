"""Delivers stream records as Lambda may: twice, out of order, to several sandboxes that die, with a failing table."""

import threading
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from cost_aggregator.assembly import Aggregator
from switchboard.domain.trace import Trace
from testkit.misfortune import Killed
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH = 100
WRITES = frozenset({"transact_write_items", "put_item", "update_item", "batch_write_item", "delete_item"})
REMAINING_MS = 60_000


class FailingClient:
    """A client whose writes fail now and then: before the request, or after the table has applied it.

    Some failures are errors, in others the sandbox is killed.
    """

    def __init__(self, client: "DynamoDBClient", random: Random, percent: float) -> None:
        self._client = client
        self._random = random
        self._share = percent / 100

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return self._failing(method) if name in WRITES else method

    def _failing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if self._random.random() < self._share:
                self._fail(EndpointConnectionError(endpoint_url="http://table"))
            answer = method(**arguments)
            if self._random.random() < self._share:
                self._fail(ConnectionClosedError(endpoint_url="http://table"))
            return answer

        return call

    def _fail(self, error: Exception) -> None:
        if self._random.random() < 1 / 3:
            raise Killed
        raise error


class Storm:
    """Several sandboxes that settle the same calls; every record is delivered until a sandbox has acknowledged it."""

    def __init__(self, endpoint: str, table: str, *, seed: int, percent: float = 1.0) -> None:
        self._endpoint = endpoint
        self._table = table
        self._seed = seed
        self._percent = percent
        self.killed = 0
        self.returned = 0
        self.seen = Seen()

    def settle(self, traces: Sequence[Trace], *, sandboxes: int = 3) -> None:
        """Deliver the calls' records, many of them several times, in an order of its own to each sandbox."""
        random = Random(self._seed)
        records = [stream_record(trace, number) for number, trace in enumerate(traces, start=1)]
        queues = [[record for record in records if random.random() < 0.5 / sandboxes] for _ in range(sandboxes)]
        queues[0] = records
        for queue in queues:
            random.shuffle(queue)
        threads = [
            threading.Thread(target=self._deliver, args=(queue, self._seed + place))
            for place, queue in enumerate(queues)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _deliver(self, records: Sequence[dict[str, Any]], seed: int) -> None:
        random = Random(seed)
        sandbox = self._sandbox(random)
        left = list(records)
        while left:
            batch, left = left[:BATCH], left[BATCH:]
            try:
                answer = cast("Any", sandbox.handle({"Records": batch}, lambda: REMAINING_MS))
            except Killed:
                self.killed += 1
                sandbox = self._sandbox(random)
                left = batch + left
            else:
                again = _returned(batch, answer)
                self.returned += len(again)
                left = again + left

    def _sandbox(self, random: Random) -> Aggregator:
        client = FailingClient(connect_once(self._endpoint), random, self._percent)
        return an_aggregator(cast("DynamoDBClient", client), self._table, self.seen, seed=random.randrange(1 << 30))


def _returned(batch: Sequence[dict[str, Any]], answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The records that must be delivered again: from the first that failed on, as Lambda does."""
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    places = [place for place, record in enumerate(batch) if record["dynamodb"]["SequenceNumber"] in failed]
    return list(batch[min(places) :]) if places else []
