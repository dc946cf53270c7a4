"""A call that is settled anew changes what its conversation adds up to."""

from random import Random
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.repricing import repriced
from switchboard.store.ledger.ledger import DynamoLedger
from testkit.conversations import Talks
from testkit.samples import NOON, one_price

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARD = RateCard("anthropic", "nobody-prices-this", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")


@pytest.mark.parametrize("seed", range(3))
def test_a_price_that_appears_is_in_the_sums(
    dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str, seed: int
) -> None:
    talks = Talks(dynamodb, dynamodb_endpoint, table)
    calls = [talks.call(0, model=CARD.model), talks.call(1)]
    talks.settle(*calls)
    before = talks.find()
    assert before == talks.expected(calls)
    revision = repriced(talks.stored(calls[0]), one_price(CARD), NOON)
    assert revision is not None
    DynamoLedger(talks.sandbox, table, random=Random(seed)).revise([revision])
    after = talks.find()
    assert after == talks.expected(calls)
    assert before is not None
    assert after is not None
    assert (before.totals.unpriced_calls, after.totals.unpriced_calls) == (1, 0)
    assert after.totals.cost_pico_usd == before.totals.cost_pico_usd + 3 * 212 + 15 * 87 + 20_480
