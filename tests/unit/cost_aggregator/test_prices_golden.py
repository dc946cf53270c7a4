"""Bills calculated by hand, to the pico-dollar; the same for streamed and buffered answers."""

import json
import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cost_aggregator.overrides import SHIPPED, read_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from gateway.providers.chat_completions.usage import read_openai
from switchboard.domain.pricing import settled
from switchboard.domain.rates import cost_pico_usd, usd
from switchboard.domain.trace import AttemptRecord, Status
from switchboard.domain.usage import Tokens, Usage, UsageSource
from switchboard.stream.deltas import read_chunk, read_completion
from testkit.samples import NOON, a_lost_hedge, a_usual_attempt, an_open_trace

GOLDEN = tomllib.loads(Path(__file__).with_name("golden_bills.toml").read_text("utf-8"))
BILLS = [pytest.param(bill, id=bill["name"]) for bill in GOLDEN["bill"]]
CALLS = [pytest.param(call, id=call["name"]) for call in GOLDEN["call"]]
BY_NAME = {bill["name"]: bill for bill in GOLDEN["bill"]}
OPENAI_BILLS = [pytest.param(bill, id=bill["name"]) for bill in GOLDEN["bill"] if bill["provider"] == "openai"]


@pytest.fixture(scope="module")
def book() -> PriceBook:
    """The shipped prices, and those in the bills."""
    overrides = read_overrides("\n".join([SHIPPED.read_text("utf-8"), GOLDEN["prices_of_the_house"]]))
    return PriceBook(overrides, PriceLibrary())


@pytest.mark.parametrize("bill", BILLS)
def test_a_bill_equals_the_manual_calculation(book: PriceBook, bill: dict[str, Any]) -> None:
    assert _cost(book, bill, Tokens(**{"output": 0} | bill["tokens"])) == Decimal(bill["usd"]) * 10**12


@pytest.mark.parametrize("bill", BILLS)
def test_a_bill_is_written_in_full(book: PriceBook, bill: dict[str, Any]) -> None:
    card = book.card(bill["provider"], bill["model"], bill["at"])
    assert card is not None
    assert usd(cost_pico_usd(Tokens(**{"output": 0} | bill["tokens"]), card)) == bill["usd"]


@pytest.mark.parametrize("bill", BILLS)
def test_the_working_is_right(bill: dict[str, Any]) -> None:
    amounts = []
    for line in bill["working"]:
        token_class, _, working = line.partition(": ")
        count, _, price, _, amount = working.split()
        assert int(count) == bill["tokens"][token_class]
        assert Decimal(count) * Decimal(price) == Decimal(amount)
        amounts.append(Decimal(amount))
    billed = {name for name, count in bill["tokens"].items() if count and name != "reasoning"}
    assert {line.partition(":")[0] for line in bill["working"]} == billed
    assert sum(amounts) == Decimal(bill["micro_usd"]) == Decimal(bill["usd"]) * 10**6


@pytest.mark.parametrize("bill", OPENAI_BILLS)
def test_streamed_equals_not_streamed(book: PriceBook, bill: dict[str, Any]) -> None:
    usage = _openai_usage(Tokens(**{"output": 0} | bill["tokens"]))
    whole = read_completion(json.dumps({"object": "chat.completion", "choices": [], "usage": usage}).encode())
    last_chunk = read_chunk(json.dumps({"object": "chat.completion.chunk", "choices": [], "usage": usage}).encode())
    costs = [_cost(book, bill, read_openai(delta.usage).tokens) for delta in (whole, last_chunk)]
    assert costs == [Decimal(bill["usd"]) * 10**12] * 2


@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_several_attempts_equals_the_manual_calculation(book: PriceBook, call: dict[str, Any]) -> None:
    answered, *beside = bills = [BY_NAME[name] for name in (call["answered"], *call["beside"])]
    assert call["working"] == " + ".join(bill["usd"] for bill in bills)
    assert sum(Decimal(bill["usd"]) for bill in bills) == Decimal(call["usd"])
    trace = replace(
        an_open_trace(started_at=answered["at"]),
        status=Status.OK,
        provider=answered["provider"],
        model=answered["model"],
        usage=_used(answered),
        attempts=(*(_lost(bill) for bill in beside), a_usual_attempt()),
    )
    settlement = settled(trace, book.card, NOON).settlement
    assert settlement
    assert settlement.cost_pico_usd == Decimal(call["usd"]) * 10**12


def test_there_are_at_least_twenty() -> None:
    assert len(BILLS) >= 20


def _cost(book: PriceBook, bill: dict[str, Any], tokens: Tokens | None) -> int:
    card = book.card(bill["provider"], bill["model"], bill["at"])
    assert card is not None
    assert tokens is not None
    return cost_pico_usd(tokens, card)


def _lost(bill: dict[str, Any]) -> AttemptRecord:
    return replace(a_lost_hedge(), provider=bill["provider"], model=bill["model"], usage=_used(bill))


def _used(bill: dict[str, Any]) -> Usage:
    return Usage(UsageSource.PROVIDER, Tokens(**{"output": 0} | bill["tokens"]))


def _openai_usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }
