"""An answer takes the same number of requests to the table however many calls there are."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from console.app import create_app
from console.assembly import dynamodb_queries
from console.observability import logger
from console.page import load_page
from console.reads import Reads
from console.settings import Settings
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Status, Trace
from switchboard.store.conversations.conversation_facts import DynamoConversationFacts
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.group import pack
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from testkit import ledger_world
from testkit.console_document import CheckedClient
from testkit.dynamodb import new_table
from testkit.samples import NOON, a_key, a_usual_usage, an_open_trace, one_price
from testkit.stream_events import connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SMALL, LARGE = 1000, 10_000
CARD = RateCard("any", "any", Rates(3, 15), ALWAYS, "a test")
QUESTIONS = (
    "/api/costs?caller=c3",
    "/api/costs?group_by=caller,day",
    "/api/costs?task=t1&group_by=provider,model&latency=true",
    "/api/costs?group_by=task,environment,key,agent,provider,model,status,day",
    "/api/costs?task=t1&group_by=day&tz=Europe/Berlin",
    "/api/conversations",
    "/api/facets",
)


def some_calls(count: int) -> list[Trace]:
    """Settled calls of two days, and of the same tasks, models, callers and conversations, however many there are."""
    return [a_call(number, count) for number in range(count)]


def a_call(number: int, count: int) -> Trace:
    started_at = NOON - timedelta(hours=36 * number / count)
    trace = replace(
        an_open_trace("acme", f"t{number % 3}", started_at),
        status=Status.TIMEOUT if number % 5 == 0 else Status.OK,
        model=f"m{number % 2}",
        metadata={"caller-id": f"c{number % 7}", "conversation-id": f"conv_{number % 11}"},
        ttft_ms=float(number * 7919 % 1009),
        usage=a_usual_usage(),
    )
    return settled(trace, one_price(CARD), started_at + timedelta(seconds=1))


def counted(client: "DynamoDBClient", endpoint: str, count: int) -> dict[str, int]:
    """How many requests each question takes among that many calls."""
    table, traces = new_table(client), some_calls(count)
    ledger_world.store(client, table, [replace(trace, settlement=None) for trace in traces])
    ledger = DynamoLedger(client, table, random=Random(5))
    for group in pack(traces):
        assert len(ledger.settle(group).fresh) == len(group)
    DynamoConversationFacts(client, table).write(traces)
    reader, asked = connect_once(endpoint), list[str]()
    store = DynamoStore(reader, table, retention=timedelta(days=9), clock=lambda: NOON)
    store.put_key(a_key("sb-one"))
    totals = DynamoTotals(reader, table)
    reads = Reads(store, totals, now=lambda: NOON)
    queries = dynamodb_queries(reader, Settings(table), totals, lambda: NOON)
    console = CheckedClient(create_app(reads, load_page(), logger(), queries))
    reader.meta.events.register("before-call.dynamodb", lambda model, **_event: asked.append(model.name))
    requests = {}
    for question in QUESTIONS:
        asked.clear()
        assert console.get(question, headers={"authorization": "Bearer sb-one"}).status_code == 200
        requests[question] = len(asked)
    return requests


@pytest.mark.load
def test_ten_times_the_calls_take_no_more_requests(dynamodb: "DynamoDBClient", dynamodb_endpoint: str) -> None:
    few, many = (counted(dynamodb, dynamodb_endpoint, count) for count in (SMALL, LARGE))
    assert few == many
    assert max(few.values()) <= 12
