"""The tail of the times to first token with fallback and hedging, over thousands of calls in virtual time.

The draws and the limits are those of `make bench-relay`. Only the relay is tested, without a network.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random

import pytest
from bench.relay.callers import HANG_UP_MS
from bench.relay.draws import Plot
from bench.relay.figures import ASKED_AGAIN_MS, quantile, silent_share
from bench.relay.twins import ANSWER_TOKENS, PROMPT_TOKENS

from gateway.domain.call import Arrival, Call, Caller, Chat, Labels, Route, Target
from gateway.domain.clock import Clock
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.recording.journal import Journal
from gateway.relay.exchange import Sender
from gateway.relay.limits import Budget, Limits
from gateway.relay.race import Hooks
from gateway.relay.relay import Relay
from gateway.routing.plan import VOICE, Plan
from gateway.settings import Settings
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.policy import HedgeAfter
from testkit.openai_events import chunk
from testkit.virtual_time import run_in_virtual_time

CALLS = 2000
CALLS_A_SECOND = 30.0
SEEDS = (1, 2, 3)
HANGS = 0.01
SPOKEN = chunk("Hello")


@dataclass(frozen=True, slots=True)
class Slow:
    """An answer whose first content is late, or never arrives."""

    first_word_ms: float | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    async def chunks(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(3600 if self.first_word_ms is None else self.first_word_ms / 1000)
        yield SPOKEN

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass(slots=True)
class Providers:
    """The bench's three providers; `requests` counts those of all of them."""

    first_tokens_ms: list[list[float | None]]
    requests: int = 0

    async def send(self, target: Target, body: bytes, _headers: object, request_sent: Callable[[], None]) -> Slow:
        self.requests += 1
        request_sent()
        number = int(body.partition(b"Call ")[2].partition(b".")[0])
        return Slow(self.first_tokens_ms[int(target.model)][number])


@dataclass(frozen=True, slots=True)
class Outcome:
    """The sorted waits of all calls, and what the extra requests cost over one answer per call."""

    waits_ms: list[float]
    extra_cost: float

    @property
    def p99_ms(self) -> float:
        return quantile(self.waits_ms, 0.99)

    @property
    def silent_share(self) -> float:
        return silent_share(self.waits_ms, ASKED_AGAIN_MS)


def _relay(providers: Providers, clock: Clock) -> Relay:
    random, percent = Random(0), Settings("none").hedge_budget_percent
    limits = Limits(
        clock,
        random,
        new_hedges=partial(Budget, percent=percent, max_balance=10, initial=1),
        new_retries=partial(Budget, percent=20, max_balance=10, initial=10),
        backoff_ms=200,
    )
    return Relay(Sender(providers, EnvironmentKeyring({}), SignatureMemory(clock)), limits)


def _plan(hedge_after: HedgeAfter, second_ms: int | None) -> Plan:
    patience_ms, end_ms = VOICE.ttft_timeout_ms or 0, VOICE.plan_timeout_ms or 0
    targets = tuple(
        Target("groq", f"http://twin{number}", f"twin{number}", str(number), ms)
        for number, ms in enumerate((patience_ms, second_ms or patience_ms, end_ms))
    )
    return Plan(targets, 60_000, 290_000, end_ms, VOICE.max_attempts or 1, hedge_after)


def _call(number: int, moment: float) -> Call:
    arrival = Arrival(datetime.now(UTC), moment)
    chat = Chat("0", ({"role": "user", "content": f"Call {number}."},), streamed=True, wants_usage=False, others={})
    return Call(str(number), arrival, 0.0, Caller("default", "key"), Labels(), Route(), chat, b"", ())


async def _all_calls(
    plot: Plot,
    hedge_after: HedgeAfter,
    *,
    second_ms: int | None = None,
    a_process: int = CALLS,
    calls_a_second: float = CALLS_A_SECOND,
) -> Outcome:
    """All calls of a plot; after `a_process` of them a new process starts, without the records of the older one."""
    now = asyncio.get_running_loop().time
    clock = Clock(monotonic=now)
    providers = Providers([plot.first_tokens_ms(target) for target in range(3)])
    relays, plan = [_relay(providers, clock) for _ in range(0, plot.calls, a_process)], _plan(hedge_after, second_ms)

    async def one(number: int, moment: float) -> float:
        await asyncio.sleep(moment - now())
        journal, relay = Journal(_call(number, moment), clock), relays[number // a_process]
        answer = await relay.answer(plan, journal, Hooks(request_sent=lambda: None))
        await answer.aclose(drain=False)
        relay.ended(journal)
        return (now() - moment) * 1000

    waits_ms = await asyncio.gather(*(one(*call) for call in enumerate(plot.arrivals_s(calls_a_second))))
    extra_cost = (providers.requests - plot.calls) * PROMPT_TOKENS / (plot.calls * (PROMPT_TOKENS + ANSWER_TOKENS))
    return Outcome(sorted(waits_ms), extra_cost)


def _direct(plot: Plot) -> list[float]:
    return sorted(math.inf if ms is None else ms for ms in plot.first_tokens_ms(0))


@pytest.mark.parametrize("seed", SEEDS)
def test_hedged_calls_have_a_p99_of_seven_tenths_at_most(seed: int) -> None:
    plot = Plot(CALLS, 0.0, seed)
    hedged = run_in_virtual_time(_all_calls(plot, HedgeAfter(quantile=0.95)))
    assert hedged.p99_ms <= 0.7 * quantile(_direct(plot), 0.99)
    assert hedged.extra_cost <= 0.06


@pytest.mark.parametrize("seed", SEEDS)
def test_if_one_request_in_a_hundred_hangs_hardly_any_call_is_silent_for_4_s(seed: int) -> None:
    plot = Plot(CALLS, HANGS, seed)
    hedged = run_in_virtual_time(_all_calls(plot, HedgeAfter(quantile=0.95)))
    assert silent_share(_direct(plot), ASKED_AGAIN_MS) == pytest.approx(0.02)
    assert hedged.silent_share <= 0.002
    assert hedged.waits_ms[-1] < HANG_UP_MS, "every call is answered"
    assert hedged.extra_cost <= 0.06


@pytest.mark.parametrize("hedge_after", [HedgeAfter(quantile=0.95), HedgeAfter(ms=2000)], ids=["p95", "2000 ms"])
def test_a_sandbox_that_lives_for_fifty_calls_one_at_a_time_is_no_worse(hedge_after: HedgeAfter) -> None:
    plot = Plot(CALLS, 0.0, SEEDS[0])
    hedged = run_in_virtual_time(_all_calls(plot, hedge_after, a_process=50, calls_a_second=0.1))
    assert hedged.p99_ms <= 0.7 * quantile(_direct(plot), 0.99)
    assert hedged.extra_cost <= 0.06


def test_a_second_target_with_a_shorter_deadline_leaves_fewer_calls_silent() -> None:
    plot, p95 = Plot(CALLS, HANGS, SEEDS[0]), HedgeAfter(quantile=0.95)
    usual = run_in_virtual_time(_all_calls(plot, p95))
    eager = run_in_virtual_time(_all_calls(plot, p95, second_ms=1500))
    assert eager.silent_share < usual.silent_share
    assert eager.extra_cost <= 0.062


def test_fallback_alone_costs_less_and_keeps_most_callers_from_asking_again() -> None:
    plot = Plot(CALLS, HANGS, SEEDS[0])
    fallen = run_in_virtual_time(_all_calls(plot, HedgeAfter()))
    assert fallen.silent_share <= 0.005
    assert fallen.waits_ms[-1] < HANG_UP_MS
    assert fallen.extra_cost <= 0.045
