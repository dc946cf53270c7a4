"""One call's attempts: which runs when, beside which, and which of them wins.

A target that has said nothing for as long as its patience lasts is late: the next one starts beside it, and whichever
speaks first is heard. Leaving the late one at once would cost as much and could only be slower.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from gateway.domain.call import Target
from gateway.domain.errors import (
    AllTargetsFailed,
    AnswerLate,
    AttemptBroken,
    FirstTokenLate,
    GatewayError,
    ProviderKeyMissing,
    UpstreamFailure,
    UpstreamRejected,
)
from gateway.recording.journal import OUTPACED, Journal, Try
from gateway.relay.attempt import Answer, Attempts
from gateway.relay.blame import blame_failure, blame_silence
from gateway.relay.budget import Budget
from gateway.relay.health import Health
from gateway.relay.hooks import Hooks
from gateway.relay.retry_after import pause_ms, retry_after_ms
from gateway.routing.plan import Plan

REDIRECTED = "redirected"
"""The call turned out to be a retry of its turn, and went to the target whose turn it is."""

LATEST_REPEAT = 0.75
"""Of a plan's time: a try that begins later could hardly be answered within it."""

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is known and allowed across calls.

    `hedges` and `repeats`: the budgets for second requests beside a slow one, and for further tries at a target that
    has failed the same call. `backoff_ms`: the first pause before such a try, at most.
    """

    health: Health
    hedges: Budget
    repeats: Budget
    random: Random
    backoff_ms: float


@dataclass(frozen=True, slots=True)
class _Retry:
    """A target that has failed and may be tried again, from a moment on."""

    target: Target
    from_ms: float


@dataclass(slots=True)
class Race:
    """The attempts of one call. `leave` ends attempts that nobody waits for. Moments are milliseconds since arrival."""

    attempts: Attempts
    limits: Limits
    plan: Plan
    journal: Journal
    hooks: Hooks
    leave: Callable[[Iterable["asyncio.Task[Answer]"]], None]
    _untried: deque[Target] = field(default_factory=deque)
    _again: list[_Retry] = field(default_factory=list)
    _running: dict["asyncio.Task[Answer]", Try] = field(default_factory=dict)
    _failures: list[tuple[Try, UpstreamFailure]] = field(default_factory=list)
    _refusals: list[GatewayError] = field(default_factory=list)
    _hedge_ms: float = NEVER
    _say_ms: float = NEVER

    async def run(self) -> Answer:
        """The first answer that begins well. Raises AllTargetsFailed, or why no attempt could be made."""
        self._untried.extend(self.limits.health.order(self.plan.targets))
        self._untried.rotate(-self.hooks.retry % len(self._untried))
        if self.plan.buffer_words is not None:
            self._say_ms = self.plan.buffer_words.after_ms
        self._start_untried()
        try:
            while (answer := await self._next_answer()) is None:
                await self._go_on(self.journal.elapsed_ms())
        finally:
            self.leave(self._running)
        return answer

    async def _next_answer(self) -> Answer | None:
        """Wait until an attempt ends or something is due; the answer, if one has come."""
        awaited: set[asyncio.Future[Answer] | asyncio.Future[int]] = set(self._running)
        renumbered = self.hooks.renumbered
        if renumbered is not None and not renumbered.done():
            awaited.add(renumbered)
        timeout_s = max(0.0, self._due_ms() - self.journal.elapsed_ms()) / 1000
        if awaited:
            await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(timeout_s)
        for task in [task for task in self._running if task.done()]:
            notes = self._running.pop(task)
            try:
                answer = task.result()
            except UpstreamFailure as failed:
                self._fail(notes, failed)
            except GatewayError as refused:
                self._withdraw(notes, refused)
            except Exception:  # noqa: BLE001 — another target may still answer; the log gets the reason
                self.hooks.broken()
                self._fail(notes, AttemptBroken(notes.target))
            else:
                self._win(notes)
                return answer
        return None

    def _due_ms(self) -> float:
        """When to look again, whatever the attempts do."""
        next_ms = min(self.plan.end_ms, self._say_ms, self._hedge_ms)
        follower, from_ms = self._candidate()
        if follower is None:
            return next_ms
        late_ms = [n.started_ms + n.target.patience_ms for n in self._running.values() if not n.is_late]
        return min(next_ms, max(min(late_ms, default=0.0), from_ms))

    async def _go_on(self, now_ms: float) -> None:
        """Do what is due."""
        if now_ms >= self.plan.end_ms:
            self._give_up(now_ms)
        if now_ms >= self._say_ms:
            self._say_ms = NEVER
            await self.hooks.say(self.plan.buffer_words.text if self.plan.buffer_words else "")
        self._redirect()
        self._notice_late(now_ms)
        if now_ms >= self._hedge_ms:
            self._hedge()
        if not self._is_anyone_in_time():
            self._start_next(now_ms)

    def _start_next(self, now_ms: float) -> None:
        target, from_ms = self._candidate()
        if target is None:
            if not self._running:
                self._give_up(now_ms)
        elif from_ms <= now_ms:
            if self._untried:
                self._start_untried()
            elif now_ms <= self._latest_repeat_ms() and self.limits.repeats.spend():
                self._again = [again for again in self._again if again.target is not target]
                self._start(target)
            else:
                self._again.clear()
                self._start_next(now_ms)

    def _candidate(self) -> tuple[Target | None, float]:
        """Whose turn it is next, and from when on; (None, never) where nobody is left or no attempt."""
        if self._attempts_made() >= self.plan.max_attempts:
            return None, NEVER
        if self._untried:
            return self._untried[0], 0.0
        soonest = min(self._again, key=lambda again: again.from_ms, default=None)
        return (None, NEVER) if soonest is None else (soonest.target, soonest.from_ms)

    def _start_untried(self, *, is_hedge: bool = False) -> None:
        self._start(self._untried.popleft(), is_hedge=is_hedge)

    def _start(self, target: Target, *, is_hedge: bool = False) -> None:
        self.limits.health.asked(target)
        notes = self.journal.begun(target, is_hedge=is_hedge)
        begun = self.attempts.begin(self.plan, self.journal, notes, self.hooks.waiting)
        # Eagerly: the request is on its way before anything is made ready for the wait.
        self._running[asyncio.Task(begun, loop=asyncio.get_running_loop(), eager_start=True)] = notes
        was_hedged = any(attempt.is_hedge for attempt in self.journal.tries)
        self._hedge_ms = NEVER if was_hedged else notes.started_ms + self._hedge_after_ms(target)

    def _hedge_after_ms(self, target: Target) -> float:
        wanted = self.plan.hedge_after
        if wanted.quantile is not None:
            return self.limits.health.first_token_ms(target, wanted.quantile) or NEVER
        return wanted.ms or NEVER

    def _hedge(self) -> None:
        """Start the next target beside the one that is silent; where there is none, the same one once more."""
        self._hedge_ms = NEVER
        may_start = self._attempts_made() < self.plan.max_attempts and self._running
        if may_start and self.limits.hedges.spend():
            if self._untried:
                self._start_untried(is_hedge=True)
            else:
                self._start(next(reversed(self._running.values())).target, is_hedge=True)

    def _redirect(self) -> None:
        """Go to the target of this retry's number, where it was learnt only after the first target was asked."""
        renumbered = self.hooks.renumbered
        if renumbered is None or not renumbered.done() or renumbered.cancelled() or len(self.journal.tries) != 1:
            return
        for task, notes in tuple(self._running.items()):
            order = deque([notes.target, *self._untried])
            order.rotate(-renumbered.result() % len(order))
            if order[0] is not notes.target:
                self._untried = order
                self.journal.ended_try(notes, REDIRECTED)
                del self._running[task]
                self.leave((task,))
                self._start_untried()

    def _notice_late(self, now_ms: float) -> None:
        follower, from_ms = self._candidate()
        if follower is None or from_ms > now_ms:
            return  # whom nobody can follow may take all the time there is
        for notes in self._running.values():
            if not notes.is_late and now_ms >= notes.started_ms + notes.target.patience_ms:
                notes.is_late = True
                blame_silence(self.limits.health, notes)

    def _attempts_made(self) -> int:
        return sum(notes.outcome != REDIRECTED for notes in self.journal.tries)

    def _is_anyone_in_time(self) -> bool:
        return any(not notes.is_late for notes in self._running.values())

    def _win(self, notes: Try) -> None:
        self.journal.answering = notes
        health, now_ms = self.limits.health, self.journal.elapsed_ms()
        health.spoke(notes.target, None if notes.ttft_ms is None else notes.ttft_ms - notes.started_ms)
        for other in self._running.values():
            waited_ms = now_ms - other.started_ms
            if notes.ttft_ms is not None:  # how long a whole answer takes says nothing of first tokens
                health.silent(other.target, waited_ms)
            self.journal.ended_try(other, OUTPACED, self._late(other, waited_ms) if other.is_late else None)

    def _fail(self, notes: Try, failed: UpstreamFailure) -> None:
        self.journal.ended_try(notes, "", failed)
        self._failures.append((notes, failed))
        blame_failure(self.limits.health, notes, failed)
        if failed.may_repeat and (from_ms := self._repeat_from_ms(failed)) is not None:
            self._again.append(_Retry(notes.target, from_ms))

    def _repeat_from_ms(self, failed: UpstreamFailure) -> float | None:
        """When its target may be tried again; None where that would be too late to be of use."""
        pause = pause_ms(len(self._failures) - 1, self.limits.backoff_ms, self.limits.random)
        if isinstance(failed, UpstreamRejected):
            told = retry_after_ms(failed.retry_after, self.journal.clock.now())
            pause = pause if told is None else told
        from_ms = self.journal.elapsed_ms() + pause
        return from_ms if pause <= self.plan.longest_pause_ms and from_ms <= self._latest_repeat_ms() else None

    def _latest_repeat_ms(self) -> float:
        return self.plan.end_ms * LATEST_REPEAT

    def _withdraw(self, notes: Try, refused: GatewayError) -> None:
        """No request could be made, for want of a key: on to the next target, and no attempt was used."""
        self.journal.withdrawn(notes)
        why = "no key" if isinstance(refused, ProviderKeyMissing) else "its key cannot be read"
        self.journal.notes.append(f"passed over {notes.target.provider}/{notes.target.model}: {why}")
        self._refusals.append(refused)
        if notes.is_hedge:
            self.limits.hedges.give_back()
            self._hedge_ms = self.journal.elapsed_ms() if self._untried else NEVER

    def _give_up(self, now_ms: float) -> None:
        """No attempt is left, or no time."""
        for notes in self._running.values():
            waited_ms = now_ms - notes.started_ms
            if waited_ms >= notes.target.patience_ms:  # else it had no fair chance
                blame_silence(self.limits.health, notes)
            failed = self._late(notes, waited_ms)
            self.journal.ended_try(notes, "", failed)
            self._failures.append((notes, failed))
        if not self._failures:
            raise self._refusals[0]
        order = self.journal.tries
        raise AllTargetsFailed([failed for _, failed in sorted(self._failures, key=lambda one: order.index(one[0]))])

    def _late(self, notes: Try, waited_ms: float) -> UpstreamFailure:
        if self.journal.call.chat.streamed:
            return FirstTokenLate(notes.target, waited_ms)
        return AnswerLate(notes.target, f"no complete answer within {waited_ms:.0f} ms")
