"""The cost of one conversation in the ledger: with the Messages API's prompt cache and through the OpenAI layer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from switchboard.domain.pricing import settled
from switchboard.domain.trace import Bodies, Trace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from testkit.twins.conversation import RECORDED, added, scripted
from testkit.twins.gateway import TwinGateway, headers_for
from testkit.twins.received import ReceivedAnswer, read_response
from testkit.twins.reply import Counts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MODEL = "claude-sonnet-4-6"
ANTHROPIC = "https://api.anthropic.com"
NATIVE, LAYER = "natively", "through-the-layer"
PROMPT_TOKENS = 6000
INSTRUCTIONS = "You are Mira, who answers the telephone of a dental practice and books appointments there. " * 265


def conversation(gateway: TwinGateway, task_id: str, counts: list[Counts], **headers: str) -> list[Trace]:
    """The recorded twelve turns under long instructions; `counts`: the tokens that the layer's twin reports."""
    history: list[dict[str, Any]] = [{"role": "system", "content": INSTRUCTIONS}]
    traces: list[Trace] = []
    received: ReceivedAnswer | None = None
    for number, turn in enumerate(RECORDED["turns"]):
        reply = scripted(turn)
        gateway.twins.reply_with(replace(reply, counts=counts[number]) if counts else reply)
        history += added(turn, received)
        response = gateway.client.post(
            "/v1/chat/completions",
            json={"messages": history, **RECORDED["fields"], "model": MODEL},
            headers=headers_for(ANTHROPIC, x_inference_task_id=task_id, **headers),
        )
        assert (response.status_code, gateway.twins.refused) == (200, [])
        received = read_response(response)
        history.append(received.message())
        traces.append(gateway.trace(response))
    return traces


def uncached(trace: Trace) -> Counts:
    """The same tokens as the layer reports them: it does not cache."""
    assert trace.usage.tokens is not None
    return Counts(trace.usage.tokens.prompt, cached=0, spoken=trace.usage.tokens.output, reasoning=0)


def test_turns_two_to_twelve_cost_less_than_a_third_with_the_cache(
    gateway: TwinGateway, dynamodb: "DynamoDBClient", table: str
) -> None:
    native = conversation(gateway, NATIVE, [], x_inference_provider="anthropic")
    layer = conversation(gateway, LAYER, [uncached(trace) for trace in native])
    assert len(native) == len(layer) == 12
    for by_native, by_layer in zip(native[1:], layer[1:], strict=True):
        assert by_native.usage.tokens is not None
        assert by_layer.usage.tokens is not None
        assert by_native.usage.tokens.cache_read > PROMPT_TOKENS
        assert by_layer.usage.tokens.prompt == by_layer.usage.tokens.fresh_input == by_native.usage.tokens.prompt
    costs = settle(dynamodb, table, [*native[1:], *layer[1:]])
    assert 0 < costs[NATIVE] < costs[LAYER] / 3


def settle(client: "DynamoDBClient", table: str, traces: list[Trace]) -> dict[str, Decimal]:
    """Store the calls, settle them at today's prices, and read each task's cost from the totals, in USD."""
    now = datetime.now(UTC)
    store = DynamoStore(client, table, retention=timedelta(days=1), clock=lambda: now)
    prices = PriceBook(shipped_overrides(), PriceLibrary())
    priced = []
    for trace in traces:
        store.complete_trace(trace, Bodies())
        priced.append(settled(trace, prices.card, now))
    DynamoLedger(client, table, random=Random(1)).settle(priced)
    totals = DynamoTotals(client, table).task_totals(traces[0].project)
    return {task.task_id: Decimal(task.totals.cost_pico_usd) / 10**12 for task in totals}
