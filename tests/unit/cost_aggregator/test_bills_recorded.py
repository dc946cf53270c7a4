"""What a provider billed for a recorded call, and what our prices say of it."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from gateway.domain.call import Target
from gateway.providers import table
from gateway.providers.told import with_terms
from switchboard.domain.pricing import settled
from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Status
from switchboard.domain.usage import Usage
from switchboard.stream.deltas import read_completion
from switchboard.stream.transcript import Transcript, assemble
from testkit.recorded import Exchange, exchanges, needs_recorded
from testkit.samples import NOON, an_open_trace

BOOK = PriceBook(shipped_overrides(), PriceLibrary())
HALF_MONTHS = [datetime(2025, 1, 15, tzinfo=UTC) + timedelta(days=15 * number) for number in range(46)]
"""When the calls may have been made: recordings do not tell it."""
DIFFERENCES = tomllib.loads(Path(__file__).with_name("recorded_differences.toml").read_text("utf-8"))
LISTED = {each["exchange"]: each["reason"] for each in DIFFERENCES["bill"]}


@dataclass(frozen=True, slots=True)
class Billed:
    """A recorded call with its provider's bill."""

    name: str
    provider: str
    model: str
    usage: Usage


@pytest.fixture(scope="module")
def billed() -> tuple[Billed, ...]:
    """Every recorded call that has a bill."""
    return tuple(_billed())


def _billed() -> Iterator[Billed]:
    for exchange in exchanges():
        answer = None if exchange.is_native else _answer(exchange)
        if answer is None or answer.usage is None:
            continue
        row = table.by_dialect("openrouter" if "cost_details" in answer.usage else exchange.provider)
        # Some recordings do not have the request: the answer names the model then.
        model = answer.model or exchange.model if exchange.provider != row.name else exchange.model
        target = Target(row.name, f"https://{exchange.host}", exchange.host, model, 1000, dialect=row.dialect)
        usage = with_terms(row.usage_told(answer.usage), answer, target, str)
        if usage.billed_pico_usd is not None:
            yield Billed(exchange.name, row.name, model, usage)


def _answer(exchange: Exchange) -> Transcript | None:
    if exchange.streamed:
        return assemble(exchange.body)
    answer = Transcript()
    try:
        answer.add(read_completion(exchange.body))
    except ValueError:
        return None
    return answer


def _settled(call: Billed, usage: Usage, at: datetime) -> Settlement:
    trace = replace(
        an_open_trace(started_at=at), status=Status.OK, provider=call.provider, model=call.model, usage=usage
    )
    settlement = settled(trace, BOOK.card, NOON).settlement
    assert settlement is not None
    return settlement


@needs_recorded
def test_the_bill_is_the_cost(billed: tuple[Billed, ...]) -> None:
    for call in billed:
        settlement = _settled(call, call.usage, NOON)
        assert (settlement.cost_pico_usd, settlement.unpriced_classes) == (call.usage.billed_pico_usd, ())
    assert {call.provider for call in billed} == {"openrouter", "xai"}


@needs_recorded
def test_our_prices_say_the_same_or_the_difference_has_a_reason(billed: tuple[Billed, ...]) -> None:
    differing = {call.name for call in billed if call.usage.billed_pico_usd not in _computed(call)}
    assert differing == set(LISTED)
    assert len(billed) - len(differing) >= 50


def _computed(call: Billed) -> set[int | None]:
    """What the call cost at the prices of each half month, without its bill."""
    usage = replace(call.usage, billed_pico_usd=None)
    found = (_settled(call, usage, at) for at in HALF_MONTHS)
    return {settlement.cost_pico_usd for settlement in found if not settlement.unpriced_classes}
