"""Bills calculated by hand, to the pico-dollar; the same for streamed and buffered answers."""

import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cost_aggregator.overrides import SHIPPED, read_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from gateway.providers.table import by_name
from switchboard.domain.pricing import settled
from switchboard.domain.rates import usd
from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import AttemptRecord, Status
from switchboard.domain.usage import Tokens, Usage, UsageSource, estimate, estimate_output
from testkit.samples import NOON, a_lost_hedge, a_usual_attempt, an_open_trace
from testkit.told_usage import HOSTS, told_usages

GOLDEN = tomllib.loads(Path(__file__).with_name("golden_bills.toml").read_text("utf-8"))
BILLS, CALLS, BILLED, CUT = (
    [pytest.param(each, id=each["name"]) for each in GOLDEN[kind]] for kind in ("bill", "call", "billed", "cut")
)
BY_NAME = {bill["name"]: bill for bill in GOLDEN["bill"]}
TOLD_BY = {"anthropic", *HOSTS}
"""Providers whose answers or hosts tell a region."""


@pytest.fixture(scope="module")
def book() -> PriceBook:
    """The shipped prices, and those in the bills."""
    overrides = read_overrides("\n".join([SHIPPED.read_text("utf-8"), GOLDEN["prices_of_the_house"]]))
    return PriceBook(overrides, PriceLibrary())


@pytest.mark.parametrize("bill", BILLS)
def test_a_bill_equals_the_manual_calculation(book: PriceBook, bill: dict[str, Any]) -> None:
    settlement = _settled(book, bill, _used(bill))
    assert settlement.cost_pico_usd is not None
    assert settlement.cost_pico_usd == Decimal(bill["usd"]) * 10**12
    assert usd(settlement.cost_pico_usd) == bill["usd"]
    assert settlement.unpriced_classes == tuple(bill.get("unpriced", ()))


@pytest.mark.parametrize("bill", BILLS)
def test_the_price_names_its_list_and_its_entry(book: PriceBook, bill: dict[str, Any]) -> None:
    price = _settled(book, bill, _used(bill)).price
    if not any(bill["tokens"].values()):
        assert price is None
        return
    assert price is not None
    assert price.source.startswith(("genai-prices ", "overrides "))
    assert "/" in price.entry_id
    applied = {name: value for name in ("service_tier", "region", "speed") if (value := getattr(price, name))}
    assert applied.items() <= bill.get("told", {}).items()


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
    assert {line.partition(":")[0] for line in bill["working"]} == billed - {*bill.get("unpriced", ())}
    assert sum(amounts) == Decimal(bill["micro_usd"]) == Decimal(bill["usd"]) * 10**6


@pytest.mark.parametrize("bill", BILLS)
def test_streamed_equals_not_streamed(book: PriceBook, bill: dict[str, Any]) -> None:
    told = bill.get("told", {})
    whole, streamed = told_usages(
        bill["provider"], bill["model"], _used(bill).tokens or Tokens(0, 0), told, bill.get("answer_model")
    )
    assert whole == streamed
    if "region" in told and bill["provider"] not in TOLD_BY:  # told by nothing that we know: as an operator names it
        whole = replace(whole, region=told["region"])
    settlement = _settled(book, bill, whole)
    assert settlement.cost_pico_usd == Decimal(bill["usd"]) * 10**12
    assert settlement.unpriced_classes == tuple(bill.get("unpriced", ()))


@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_several_attempts_equals_the_manual_calculation(book: PriceBook, call: dict[str, Any]) -> None:
    answered, *beside = bills = [BY_NAME[name] for name in (call["answered"], *call["beside"])]
    assert call["working"] == " + ".join(bill["usd"] for bill in bills)
    assert sum(Decimal(bill["usd"]) for bill in bills) == Decimal(call["usd"])
    attempts = (*(_lost(bill) for bill in beside), a_usual_attempt())
    settlement = _settled(book, answered, _used(answered), attempts)
    assert settlement.cost_pico_usd == Decimal(call["usd"]) * 10**12
    assert set(settlement.unpriced_classes) == {name for bill in bills for name in bill.get("unpriced", ())}


@pytest.mark.parametrize("call", BILLED)
def test_what_the_provider_billed_is_the_cost(book: PriceBook, call: dict[str, Any]) -> None:
    row = by_name(call["provider"])
    assert row is not None
    usage = row.usage_told(call["usage"])
    settlement = _settled(book, call | {"model": "any", "at": NOON}, usage)
    assert settlement.cost_pico_usd == Decimal(call["usd"]) * 10**12 == _worked(call["working"]) * 10**12
    assert (settlement.price, settlement.unpriced_classes) == (None, ())


@pytest.mark.parametrize("call", CUT)
def test_a_call_that_was_cut_off_costs_what_is_estimated(book: PriceBook, call: dict[str, Any]) -> None:
    characters = call["characters"]
    if "tokens" in call:
        usage = estimate_output(Tokens(**{"output": 0} | call["tokens"]), characters["output"])
    else:
        usage = estimate(characters["prompt"], characters["output"])
    settlement = _settled(book, call, replace(usage, **call.get("told", {})))
    assert settlement.cost_pico_usd == Decimal(call["usd"]) * 10**12 == _worked(call["working"]) * 10**6


def test_there_are_at_least_sixty() -> None:
    assert len(BILLS) >= 60
    assert len(BY_NAME) == len(BILLS)


def _worked(working: str) -> Decimal:
    """The sum of products and quotients."""
    return sum((_product(term) for term in working.split(" + ")), Decimal(0))


def _product(term: str) -> Decimal:
    first, *rest = term.split()
    if not rest:
        return Decimal(first)
    sign, second = rest
    return Decimal(first) / Decimal(second) if sign == "/" else Decimal(first) * Decimal(second)


def _settled(
    book: PriceBook, bill: dict[str, Any], usage: Usage, attempts: tuple[AttemptRecord, ...] = ()
) -> Settlement:
    trace = replace(
        an_open_trace(started_at=bill["at"]),
        status=Status.OK,
        provider=bill["provider"],
        model=bill["model"],
        usage=usage,
        attempts=attempts,
    )
    settlement = settled(trace, book.card, NOON).settlement
    assert settlement is not None
    return settlement


def _lost(bill: dict[str, Any]) -> AttemptRecord:
    return replace(a_lost_hedge(), provider=bill["provider"], model=bill["model"], usage=_used(bill))


def _used(bill: dict[str, Any]) -> Usage:
    tokens = Tokens(**{"output": 0} | bill["tokens"])
    told = bill.get("told", {})
    return Usage(UsageSource.PROVIDER, tokens, **told, answer_model=bill.get("answer_model"))
