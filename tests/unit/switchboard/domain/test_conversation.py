"""Which conversation a call belongs to, and what its sums and facts tell together."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from switchboard.domain.conversation import (
    STALL_MS,
    Conversation,
    conversation_of,
    is_retry,
    is_stalled,
)
from switchboard.domain.conversation_facts import ToldDuration, facts_of
from switchboard.domain.totals import Totals
from switchboard.domain.trace import Turn
from testkit.samples import NOON, an_open_trace

CALL = replace(an_open_trace(), duration_ms=30_000.0)


@pytest.mark.parametrize(
    ("metadata", "turn", "found"),
    [
        ({"conversation-id": "conv_1"}, Turn("t", thread_id="ab"), "conv_1"),
        ({"conversation-id": ""}, Turn("t", thread_id="ab"), "thread:ab"),
        ({}, Turn("t", 1, "ab"), "thread:ab"),
        ({"conversation-id": "thread:ab"}, None, "thread:ab"),
        ({}, Turn("t", 1), None),
        ({}, Turn("t", 1, ""), None),
        ({"Conversation-Id": "conv_1"}, None, None),
    ],
)
def test_a_thread_stands_in_for_a_conversation_id(metadata: dict[str, str], turn: Turn | None, found: str) -> None:
    assert conversation_of(replace(CALL, metadata=metadata, turn=turn)) == found


def test_a_conversation_says_that_it_is_a_thread() -> None:
    assert _conversation("thread:ab").is_thread
    assert not _conversation("conv_1").is_thread


@pytest.mark.parametrize(("turn", "expected"), [(None, False), (Turn("t"), False), (Turn("t", 1), True)])
def test_every_call_after_the_first_of_its_turn_is_a_retry(turn: Turn | None, expected: bool) -> None:
    assert is_retry(replace(CALL, turn=turn)) is expected


@pytest.mark.parametrize(("stall_ms", "expected"), [(None, False), (STALL_MS - 0.001, False), (STALL_MS, True)])
def test_a_call_is_stalled_from_a_second_of_silence_on(stall_ms: float | None, expected: bool) -> None:
    assert is_stalled(replace(CALL, longest_stall_ms=stall_ms)) is expected


def test_turns_are_the_calls_that_are_no_retries() -> None:
    assert _conversation(calls=5, retries=2).turns == 3


@pytest.mark.parametrize(
    ("told_s", "cost", "duration_ms", "per_minute"),
    [
        (None, 1000, 30_000, 2000),
        (0.0, 1000, 30_000, 2000),
        (120.0, 1000, 120_000, 500),
        (0.0004, 1000, 0, None),
        (None, 0, 30_000, 0),
        (90.0, 1, 90_000, 1),
        (7 * 60.0, 3, 420_000, 0),
        (60.0, 10**30 + 1, 60_000, 10**30 + 1),
    ],
)
def test_a_minute_costs_by_the_told_duration_else_by_the_calls(
    told_s: float | None, cost: int, duration_ms: int, per_minute: int | None
) -> None:
    conversation = _conversation(told_s=told_s, cost_pico_usd=cost)
    assert conversation.duration_ms == duration_ms
    assert conversation.pico_usd_per_minute == per_minute


def test_a_conversation_without_any_duration_has_no_cost_per_minute() -> None:
    unfinished = replace(_conversation(), facts=facts_of(replace(CALL, duration_ms=None)))
    assert unfinished.duration_ms == 0
    assert unfinished.pico_usd_per_minute is None


def test_a_conversation_lasts_from_the_first_start_to_the_last_end() -> None:
    last = replace(an_open_trace(started_at=NOON + timedelta(seconds=50)), duration_ms=400.4)
    conversation = replace(_conversation(), facts=facts_of(last) | facts_of(CALL))
    assert conversation.duration_ms == 50_400
    assert (conversation.seen.first, conversation.seen.last) == (NOON, last.started_at)
    assert conversation.ended_at == NOON + timedelta(seconds=50.4)
    assert conversation.call_duration_s is None


def _conversation(name: str = "conv_1", told_s: float | None = None, retries: int = 0, **totals: Any) -> Conversation:
    told = None if told_s is None else ToldDuration(CALL.trace_id, told_s)
    return Conversation(name, Totals(**totals), replace(facts_of(CALL), told=told), retries)
