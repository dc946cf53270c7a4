"""Every recorded answer reads the same through the gateway as from its provider, but for the rules that have a name."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest

from switchboard.domain.trace import Trace
from switchboard.domain.usage import UsageSource
from testkit.recorded import Exchange, exchanges, needs_recorded
from testkit.recorded_answers import told_usage
from testkit.recorded_gateway import Cut, recordings
from testkit.recorded_reading import Reading, differences
from testkit.recorded_rules import alternative, expectation

pytestmark = [needs_recorded, pytest.mark.anyio]

PARTS = 8
BYTE_BY_BYTE = 100
SHORT_BYTES = 4000
"""Longer answers are read byte by byte without a socket, in `test_splits`."""


@dataclass(frozen=True, slots=True)
class Known:
    """Answers that still differ by a fault of the gateway's. One that no longer differs must leave this list."""

    fault: str
    names: frozenset[str]


KNOWN = (
    Known("Of a message that begins anew within its stream both beginnings are told.", frozenset({"v1766"})),
    Known("Calls of tools that the provider runs itself end with `tool_calls`.", frozenset({"v1741"})),
)


async def read_all(some: Sequence[Exchange], cut: Cut) -> dict[str, list[str]]:
    """By exchange: where what was read through the gateway differs from what must be."""
    async with recordings(*some) as running:
        read = await asyncio.gather(*(running.through(exchange, cut) for exchange in some))
        traces = [await running.gateway.trace() for _ in some]
    by_task = {trace.task_id: trace for trace in traces}
    assert by_task.keys() == {exchange.name for exchange in some}, "every call has a trace"
    told = {
        exchange.name: [*places(exchange, got), *unbooked(exchange, by_task[exchange.name])]
        for exchange, got in zip(some, read, strict=True)
    }
    return {name: differing for name, differing in told.items() if differing}


def unbooked(exchange: Exchange, trace: Trace) -> list[str]:
    """What the trace counts otherwise than the provider, where that told its usage."""
    usage = told_usage(exchange)
    if usage is None:
        return []
    prompt, counted = usage["prompt_tokens"], trace.usage
    if counted.source is not UsageSource.PROVIDER or counted.tokens is None:
        return [f".trace: the usage that was told is not booked: {counted}"]
    return [] if counted.tokens.prompt == prompt else [f".trace: {counted.tokens} for a prompt of {prompt}"]


def places(exchange: Exchange, got: Reading) -> list[str]:
    """Where a reading differs from what it must be."""
    expected, _ = expectation(exchange)
    return min(list(differences(expected, got)), list(differences(alternative(expected), got)), key=len)


def check(some: Sequence[Exchange], differing: dict[str, list[str]]) -> None:
    """Nothing differs but what is known to, and all of that does."""
    known = frozenset[str]().union(*(fault.names for fault in KNOWN)) & {exchange.name for exchange in some}
    new = {name: places for name, places in differing.items() if name not in known}
    assert not new, "\n".join(f"{name}{place}"[:400] for name, places in new.items() for place in places)
    assert not known - differing.keys(), "mended: take these out of KNOWN"


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_answer_as_it_was_recorded(part: int) -> None:
    some = exchanges()[part::PARTS]
    check(some, await read_all(some, Cut.EVENTS))


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_stream_in_one_piece(part: int) -> None:
    some = [exchange for exchange in exchanges() if exchange.streamed][part::PARTS]
    check(some, await read_all(some, Cut.WHOLE))


async def test_a_hundred_answers_byte_by_byte() -> None:
    short = [exchange for exchange in exchanges() if len(exchange.body) < SHORT_BYTES]
    some = Random(1).sample(short, BYTE_BY_BYTE)
    check(some, await read_all(some, Cut.BYTES))


def test_no_answer_has_two_known_faults() -> None:
    assert sum(len(fault.names) for fault in KNOWN) == len(frozenset[str]().union(*(fault.names for fault in KNOWN)))
