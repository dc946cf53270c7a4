"""Laws of a race, in virtual time: whatever the targets do, and whenever."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.attempt import OUTPACED, Attempt
from gateway.domain.call import Arrival, Call, Caller, Chat, Labels, Route, Target
from gateway.domain.clock import Clock
from gateway.domain.errors import AllTargetsFailed
from gateway.domain.reports import UpstreamRejected
from gateway.recording.journal import Journal
from gateway.relay.answer import Answer, UpstreamResponse
from gateway.relay.exchange import Sender
from gateway.relay.limits import Budget, Limits
from gateway.relay.race import Hooks
from gateway.relay.relay import Relay
from gateway.routing.plan import Plan
from switchboard.domain.policy import BufferWords, HedgeAfter
from testkit.virtual_time import run_in_virtual_time

EPSILON_MS = 0.01
"""Moments are kept to the microsecond."""
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Act:
    """What a target does with one request: after so long it speaks (None), or refuses with a status; or never."""

    after_ms: float | None
    status: int | None = None

    @property
    def speaks_ms(self) -> float | None:
        """After how long it speaks, if it does."""
        return None if self.status is not None else self.after_ms


@dataclass(slots=True)
class Played:
    """A race that is over: its journal, what each attempt was to do, and whether there was an answer, and when."""

    plan: Plan
    journal: Journal
    acts: dict[int, Act] = field(default_factory=dict)
    answer: Answer | None = None
    failed: AllTargetsFailed | None = None
    ended_ms: float = 0.0
    said: list[float] = field(default_factory=list)
    left: list[Attempt] = field(default_factory=list)

    def act(self, attempt: Attempt) -> Act:
        """What that attempt was to do."""
        return self.acts[id(attempt)]


@dataclass(slots=True)
class Actors:
    """Stands for `Sender`: each target follows its script, the last act again and again."""

    scripts: Mapping[str, Sequence[Act]]
    played: Played
    asked: dict[str, int] = field(default_factory=dict)

    async def send(self, _plan: Plan, journal: Journal, attempt: Attempt, request_sent: Callable[[], None]) -> Answer:
        """Do what the script says."""
        name = attempt.target.model
        number = self.asked[name] = self.asked.get(name, -1) + 1
        script = self.scripts[name]
        act = self.played.acts[id(attempt)] = script[min(number, len(script) - 1)]
        journal.request_ready(attempt)
        request_sent()
        try:
            if act.after_ms is None:
                await asyncio.get_running_loop().create_future()
            await asyncio.sleep((act.after_ms or 0) / 1000)
        except asyncio.CancelledError:
            self.played.left.append(attempt)
            raise
        if act.status is not None:
            raise UpstreamRejected(attempt.target, act.status, "no")
        attempt.content_started()
        return Answer("text/event-stream", _nothing(), cast("UpstreamResponse", _Closed()), _nothing())


class _Closed:
    async def aclose(self) -> None:
        """Nothing is open."""


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _call(moment: float) -> Call:
    return Call(
        trace_id="t",
        arrival=Arrival(NOON, moment),
        auth_ms=0.1,
        caller=Caller("acme", "key_0"),
        labels=Labels(),
        route=Route(),
        chat=Chat("m", (), streamed=True, wants_usage=False, others={}),
        body=b"{}",
        secrets=(),
    )


async def _play(plan: Plan, scripts: Mapping[str, Sequence[Act]], seed: int, *, retry: int, may_retry: bool) -> Played:
    loop = asyncio.get_running_loop()
    clock = Clock(lambda: NOON, loop.time)
    journal = Journal(_call(loop.time()), clock)
    played = Played(plan, journal)
    limits = Limits(
        clock,
        Random(seed),
        new_hedges=partial(Budget, percent=100, max_balance=10, initial=1),
        new_retries=partial(Budget, percent=100 if may_retry else 0, max_balance=100, initial=100),
        backoff_ms=50,
    )

    async def say(_words: str) -> None:
        played.said.append(journal.elapsed_ms())

    relay = Relay(cast("Sender", Actors(scripts, played)), limits)
    try:
        played.answer = await relay.answer(plan, journal, Hooks(lambda: None, say, retry=retry))
    except AllTargetsFailed as failed:
        played.failed = failed
    played.ended_ms = journal.elapsed_ms()
    leaving = asyncio.all_tasks() - {asyncio.current_task()}
    if leaving:
        await asyncio.wait(leaving)
    return played


def _targets(soft_timeout_ms: Sequence[int]) -> tuple[Target, ...]:
    return tuple(Target("p", f"https://h{n}.test/", f"h{n}.test", f"m{n}", ms) for n, ms in enumerate(soft_timeout_ms))


STATUSES = st.sampled_from([400, 401, 429, 500, 503])
AFTER_MS = st.integers(0, 6000).map(float)
ACTS = st.one_of(st.builds(Act, AFTER_MS), st.builds(Act, AFTER_MS, STATUSES), st.just(Act(None)))


@st.composite
def races(draw: st.DrawFn) -> Played:
    """Any plan of up to four targets, and any script for each."""
    soft_timeout_ms = draw(st.lists(st.integers(1, 3000), min_size=1, max_size=4))
    end_ms = draw(st.integers(1, 8000))
    words = draw(st.none() | st.integers(1, 3000).map(lambda after_ms: BufferWords("Well", after_ms)))
    plan = Plan(
        targets=_targets([min(ms, end_ms) for ms in soft_timeout_ms]),
        stall_ms=1000,
        call_timeout_ms=20_000,
        end_ms=end_ms,
        max_attempts=len(soft_timeout_ms) + draw(st.integers(0, 3)),
        hedge_after=draw(st.builds(HedgeAfter, st.none() | st.integers(1, 3000))),
        buffer_words=words,
    )
    scripts = {target.model: draw(st.lists(ACTS, min_size=1, max_size=3)) for target in plan.targets}
    retry, may_retry = draw(st.integers(0, 5)), draw(st.booleans())
    return run_in_virtual_time(_play(plan, scripts, draw(st.integers(0, 999)), retry=retry, may_retry=may_retry))


@settings(max_examples=100)
@given(races())
def test_a_race_ends_in_time_with_an_answer_or_every_reason(played: Played) -> None:
    journal, plan = played.journal, played.plan
    assert played.ended_ms <= plan.end_ms + EPSILON_MS
    assert 1 <= len(journal.attempts) <= plan.max_attempts
    assert (played.answer is None) is (journal.answering is None) is (played.failed is not None)
    if played.failed is not None:
        assert [failure.target for failure in played.failed.failures] == [
            attempt.target for attempt in journal.attempts
        ]
    assert all(attempt.outcome for attempt in journal.attempts if attempt is not journal.answering)
    assert len(played.said) <= (plan.buffer_words is not None)


@settings(max_examples=100)
@given(races())
def test_the_first_to_speak_is_heard_and_every_other_attempt_is_left(played: Played) -> None:
    heard = played.journal.answering
    for attempt in played.journal.attempts:
        if attempt is heard:
            assert attempt.ttft_ms == played.ended_ms
            continue
        speaks_ms = played.act(attempt).speaks_ms
        if speaks_ms is not None:
            assert attempt.started_ms + speaks_ms >= played.ended_ms - EPSILON_MS
        if attempt.outcome in {OUTPACED, "FirstTokenLate"}:
            assert attempt in played.left or attempt.ttft_ms == played.ended_ms


@settings(max_examples=100)
@given(races())
def test_nobody_is_asked_before_their_turn(played: Played) -> None:
    attempts = played.journal.attempts
    asked: set[str] = set()
    for number, attempt in enumerate(attempts):
        if attempt.target.model in asked:
            is_everybody_asked = len(asked) == len(played.plan.targets)
            assert is_everybody_asked, "the untried come before any repeat"
        asked.add(attempt.target.model)
        for earlier in attempts[:number]:
            has_ended = earlier.ended_ms is not None and earlier.ended_ms <= attempt.started_ms + EPSILON_MS
            is_late = earlier.started_ms + earlier.target.soft_timeout_ms <= attempt.started_ms + EPSILON_MS
            assert attempt.is_hedge or has_ended or is_late
    assert sum(attempt.is_hedge for attempt in attempts) <= 1


@settings(max_examples=100)
@given(races())
def test_a_target_that_speaks_is_heard_as_soon_as_the_patience_with_those_before_it_allows(played: Played) -> None:
    """However long the others are silent."""
    order = [attempt.target for attempt in played.journal.attempts]
    unasked = [target for target in played.plan.targets if target not in order]
    waited_ms = 0.0
    for attempt in played.journal.attempts[: len(played.plan.targets)]:
        speaks_ms = played.act(attempt).speaks_ms
        if speaks_ms is not None and waited_ms + speaks_ms < played.plan.end_ms:
            assert played.answer is not None
            assert played.ended_ms <= waited_ms + speaks_ms + EPSILON_MS
        waited_ms += attempt.target.soft_timeout_ms
    if played.answer is None and unasked:
        assert played.plan.end_ms <= waited_ms + EPSILON_MS, "there was time to ask another one"
