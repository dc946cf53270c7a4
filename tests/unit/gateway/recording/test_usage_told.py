"""A call whose provider tells impossible numbers has a trace with an estimate, and a note; it is settled and read."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from cost_aggregator.records import unsettled_trace
from gateway.providers.chat_completions.usage_doubts import IMPOSSIBLE_BILL, IMPOSSIBLE_COUNT
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.usage import UsageSource
from switchboard.store.attributes import Value, encode_item
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.traces import trace_items
from testkit.fuzz_bodies import serialised
from testkit.fuzz_checks import Asked, Said
from testkit.fuzz_gateway import FuzzedGateway, routed
from testkit.openai_events import DONE, chunk, event, finish
from testkit.samples import NOON, one_price
from testkit.twins.gateway import PROJECT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARD = RateCard("generic", "m", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")
IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "10^10": {"prompt_tokens": 10**10, "completion_tokens": 1},
    "10^18": {"prompt_tokens": 1, "completion_tokens": 10**18},
    "10^40": {"prompt_tokens": 10**40, "completion_tokens": 10**40},
    "10^400": {"prompt_tokens": 10**400, "completion_tokens": 10**400},
    "negative": {"prompt_tokens": -5, "completion_tokens": -5},
    "half": {"prompt_tokens": 0.5, "completion_tokens": 1},
}


@pytest.fixture(scope="module")
def gateway() -> Iterator[FuzzedGateway]:
    running = FuzzedGateway()
    yield running
    running.close()


def trace_of(gateway: FuzzedGateway, row: str, usage: dict[str, Any], *, streamed: bool) -> Trace:
    """The trace of a call whose provider tells that usage."""
    body = {"model": "m", "stream": streamed, "messages": [{"role": "user", "content": "Hello? " * 8}]}
    choice = {"index": 0, "message": {"role": "assistant", "content": "a" * 40}, "finish_reason": "stop"}
    whole = Said((serialised({"choices": [choice], "usage": usage}),), headers={"content-type": "application/json"})
    told = event({"choices": [], "usage": usage})
    stream = Said((chunk("a" * 40), finish(), told, DONE))
    heard = gateway.call(Asked(serialised(body), tuple(routed(row).items())), stream if streamed else whole)
    assert heard.status == 200
    return gateway.store.traces[PROJECT, heard.header("x-inference-trace-id")]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("row", ["generic", "openrouter", "xai", "google", "mistral"])
@pytest.mark.parametrize("usage", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_count_is_an_estimate(
    gateway: FuzzedGateway, row: str, usage: dict[str, Any], *, streamed: bool
) -> None:
    trace = trace_of(gateway, row, usage, streamed=streamed)
    assert trace.status is Status.OK
    assert trace.usage.source is UsageSource.ESTIMATED
    assert trace.usage.tokens is not None
    assert (trace.usage.tokens.prompt, trace.usage.tokens.output) == (14, 10)
    assert IMPOSSIBLE_COUNT in trace.notes


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("cost", [1e300, 10**400, -1])
def test_an_impossible_bill_leaves_the_tokens(gateway: FuzzedGateway, cost: object, *, streamed: bool) -> None:
    usage = {"prompt_tokens": 20, "completion_tokens": 7, "cost": cost}
    trace = trace_of(gateway, "openrouter", usage, streamed=streamed)
    assert (trace.usage.source, trace.usage.billed_pico_usd) == (UsageSource.PROVIDER, None)
    assert trace.notes == (IMPOSSIBLE_BILL,)


@pytest.mark.parametrize("usage", [*IMPOSSIBLE.values(), {"prompt_tokens": 20, "completion_tokens": 7, "cost": 1e300}])
def test_such_a_call_is_stored_and_settled(
    gateway: FuzzedGateway, dynamodb: "DynamoDBClient", table: str, usage: dict[str, Any]
) -> None:
    trace = trace_of(gateway, "openrouter", usage, streamed=True)
    store = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: NOON)
    store.complete_trace(trace, Bodies())
    ledger = DynamoLedger(dynamodb, table, random=Random(1))
    assert ledger.settle([settled(trace, one_price(CARD), NOON)]).fresh
    found = store.find_trace(PROJECT, trace.trace_id)
    assert found is not None
    assert found.settlement is not None
    assert 0 < (found.settlement.cost_pico_usd or 0) < 1000


@pytest.mark.parametrize("count", [10**18, 10**37, -1, 0.5])
@pytest.mark.parametrize("name", ["fresh_input", "output", "cache_read", "reasoning"])
def test_a_stored_count_that_cannot_be_is_no_usage(gateway: FuzzedGateway, name: str, count: float) -> None:
    trace = trace_of(gateway, "generic", {"prompt_tokens": 20, "completion_tokens": 7}, streamed=True)
    told: dict[str, Value] = {"source": "provider", "fresh_input": 20, "output": 7, name: count}
    image = encode_item({**trace_items.to_item(trace, 0), "usage": told})
    read = unsettled_trace({"dynamodb": {"NewImage": image, "Keys": {}, "SequenceNumber": "1"}})
    assert read is not None
    assert (read.usage.tokens, settled(read, one_price(CARD), NOON).settlement.cost_pico_usd) == (None, None)  # type: ignore[union-attr]
