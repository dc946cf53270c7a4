"""What is expected of an answer is what OpenAI's own SDK reads from the provider itself."""

import asyncio

import pytest

from testkit.recorded import Exchange, exchanges, needs_recorded
from testkit.recorded_answers import read_answer
from testkit.recorded_gateway import Recordings, recordings
from testkit.recorded_reading import Containing, Reading, differences

pytestmark = [needs_recorded, pytest.mark.anyio]

PARTS = 2
UNREADABLE = frozenset({"pyd693", "oi1462", "oi1464", "oi1466", "vi59", "vi80", "vi99"})
"""Bodies, and events of streams, that are no JSON: the SDK raises an error of its own, or gives their text."""

UNNOTICED = frozenset({"tl1157", "tl1161", "tl1165"})
"""Errors in a whole answer of status 200: to the SDK these are completions without choices."""


async def places(running: Recordings, exchange: Exchange) -> list[str]:
    """Where the SDK reads something else than the test kit does."""
    expected, got = read_answer(exchange), await running.directly(exchange)
    if expected.error:
        return list(differences(Containing(str(expected.error)), got.error, f"{exchange.name}.error"))
    return list(differences(expected, got, exchange.name))


@pytest.mark.parametrize("part", range(PARTS))
async def test_the_sdk_reads_what_the_test_kit_reads(part: int) -> None:
    some = [x for x in exchanges() if not x.is_native and x.name not in UNREADABLE | UNNOTICED][part::PARTS]
    async with recordings(*some) as running:
        differing = await asyncio.gather(*(places(running, exchange) for exchange in some))
    assert [place for found in differing for place in found] == []


@pytest.mark.parametrize("name", sorted(UNREADABLE))
async def test_what_is_no_json_says_nothing_to_the_test_kit(name: str) -> None:
    exchange = next(exchange for exchange in exchanges() if exchange.name == name)
    assert read_answer(exchange) == Reading()
