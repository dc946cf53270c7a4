"""The attempts of one call: which runs when, in parallel to which, and whose answer the caller gets.

A target without content for as long as its patience lasts is late: the next one is asked in parallel, and the first to
produce content wins. To cancel the late one at once would cost as much and could only be slower.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from gateway.domain.attempt import OUTPACED, REDIRECTED, Attempt
from gateway.domain.call import Target
from gateway.domain.errors import (
    AllTargetsFailed,
    AnswerLate,
    AttemptBroken,
    BodyMalformed,
    FirstTokenLate,
    GatewayError,
    ProviderKeyMissing,
    UpstreamFailure,
)
from gateway.recording.journal import Journal
from gateway.relay.answer import Answer
from gateway.relay.exchange import Sender
from gateway.relay.limits import ProjectLimits
from gateway.relay.schedule import NEVER, Schedule
from gateway.routing.plan import Plan
from switchboard.domain.notes import add_note


async def _send_nothing(_text: str) -> None:
    """No caller wants buffer words."""


def _ignore() -> None:
    """No caller wants to be told."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a race calls and waits for besides its targets.

    `request_sent`: a request is out and its answer awaited. `send_buffer_words`: they are due. `internal_error`: the
    gateway itself failed in an attempt; the exception is being handled. `retry`: which retry of its turn the call is:
    it starts at the target of that number. `renumbered` resolves when that number is learnt later.
    """

    request_sent: Callable[[], None]
    send_buffer_words: Callable[[str], Awaitable[None]] = _send_nothing
    internal_error: Callable[[], None] = _ignore
    retry: int = 0
    renumbered: "asyncio.Future[int] | None" = None


@dataclass(slots=True)
class Race:
    """The attempts of one call. Moments are milliseconds since its arrival.

    `abandon` cancels attempts whose answers are not needed any more.
    """

    sender: Sender
    limits: ProjectLimits
    plan: Plan
    journal: Journal
    hooks: Hooks
    abandon: Callable[[Iterable["asyncio.Task[Answer]"]], None]
    _schedule: Schedule = field(init=False)
    _running: dict["asyncio.Task[Answer]", Attempt] = field(default_factory=dict, init=False)
    _refusals: list[GatewayError] = field(default_factory=list, init=False)
    _buffer_words_due_ms: float = field(default=NEVER, init=False)

    def __post_init__(self) -> None:
        self._schedule = Schedule(self.plan, self.limits, self.journal)
        if self.plan.buffer_words is not None:
            self._buffer_words_due_ms = self.plan.buffer_words.after_ms

    async def run(self) -> Answer:
        """The first answer that begins well. Raises AllTargetsFailed, or why no attempt could be made."""
        self._start(self._schedule.begin(self.hooks.retry))
        try:
            while (answer := await self._next_answer()) is None:
                await self._do_what_is_due(self.journal.elapsed_ms())
        finally:
            self.abandon(self._running)
        return answer

    async def _next_answer(self) -> Answer | None:
        """Wait until an attempt ends or something is due; the answer, if one has come."""
        await self._wait()
        for task in [task for task in self._running if task.done()]:
            attempt = self._running.pop(task)
            try:
                answer = task.result()
            except UpstreamFailure as failure:
                self._fail(attempt, failure)
            except GatewayError as refusal:
                self._withdraw(attempt, refusal)
            except Exception:  # noqa: BLE001 — another target may still answer; the log gets the reason
                self.hooks.internal_error()
                self._fail(attempt, AttemptBroken(attempt.target))
            else:
                self._win(attempt)
                return answer
        return None

    async def _wait(self) -> None:
        awaited: set[asyncio.Future[Answer] | asyncio.Future[int]] = set(self._running)
        renumbered = self.hooks.renumbered
        if renumbered is not None and not renumbered.done():
            awaited.add(renumbered)
        timeout_s = max(0.0, self._due_ms() - self.journal.elapsed_ms()) / 1000
        if awaited:
            await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(timeout_s)

    def _due_ms(self) -> float:
        """When to act next, whatever the attempts do."""
        hedge_due_ms = self._schedule.hedge_due_ms(self.journal.elapsed_ms())
        next_ms = min(self.plan.end_ms, self._buffer_words_due_ms, hedge_due_ms)
        successor, from_ms = self._schedule.upcoming()
        if successor is None:
            return next_ms
        late_from_ms = min((a.late_from_ms for a in self._running.values() if not a.is_late), default=0.0)
        return min(next_ms, max(late_from_ms, from_ms))

    async def _do_what_is_due(self, now_ms: float) -> None:
        if now_ms >= self.plan.end_ms:
            self._give_up()
        if now_ms >= self._buffer_words_due_ms:
            self._buffer_words_due_ms = NEVER
            await self.hooks.send_buffer_words(self.plan.buffer_words.text if self.plan.buffer_words else "")
        self._redirect()
        self._mark_late(now_ms)
        if now_ms >= self._schedule.hedge_due_ms(now_ms):
            self._hedge()
        if all(attempt.is_late for attempt in self._running.values()):
            self._start_next(now_ms)

    def _start_next(self, now_ms: float) -> None:
        target = self._schedule.take(now_ms)
        if target is not None:
            self._start(target)
        elif not self._running and self._schedule.upcoming()[0] is None:
            self._give_up()

    def _start(self, target: Target, *, is_hedge: bool = False) -> None:
        self.limits.health.attempt_started(target)
        attempt = self.journal.start_attempt(target, is_hedge=is_hedge)
        sending = self.sender.send(self.plan, self.journal, attempt, self.hooks.request_sent)
        # Eagerly: the request is sent before anything is prepared for the wait.
        self._running[asyncio.Task(sending, loop=asyncio.get_running_loop(), eager_start=True)] = attempt
        self._schedule.started(attempt)

    def _hedge(self) -> None:
        """Start the next target in parallel to the slow one; where none is left, the same one once more."""
        newest = next(reversed(self._running.values()), None)
        target = self._schedule.take_hedge(newest.target if newest is not None else None)
        if target is not None:
            self._start(target, is_hedge=True)

    def _redirect(self) -> None:
        """Go to the target of this retry's number, where the number was learnt after the first target was asked."""
        renumbered = self.hooks.renumbered
        if renumbered is None or not renumbered.done() or renumbered.cancelled() or len(self.journal.attempts) != 1:
            return
        for task, attempt in tuple(self._running.items()):
            target = self._schedule.redirect(attempt.target, renumbered.result())
            if target is not None:
                attempt.ended(REDIRECTED)
                del self._running[task]
                self.abandon((task,))
                self._start(target)

    def _mark_late(self, now_ms: float) -> None:
        successor, from_ms = self._schedule.upcoming()
        if successor is None or from_ms > now_ms:
            return  # an attempt without a successor may use the whole deadline
        for attempt in self._running.values():
            if not attempt.is_late and now_ms >= attempt.late_from_ms:
                attempt.is_late = True
                self.limits.report_silence(attempt)

    def _win(self, winner: Attempt) -> None:
        self.journal.answering = winner
        health = self.limits.health
        health.answer_started(winner.target, winner.upstream_ttft_ms)
        for attempt in self._running.values():
            if winner.ttft_ms is not None:  # how long a whole answer takes says nothing of first tokens
                health.abandoned(attempt.target, attempt.waited_ms)
            if attempt.is_late:
                attempt.failed(self._late(attempt))
            else:
                attempt.ended(OUTPACED)

    def _fail(self, attempt: Attempt, failure: UpstreamFailure) -> None:
        attempt.failed(failure)
        self.limits.report_failure(attempt, failure)
        self._schedule.add_retry(failure)
        if failure.ends_call:
            self._schedule.close()

    def _withdraw(self, attempt: Attempt, refusal: GatewayError) -> None:
        """No request could be made: go to the next target; no attempt was used."""
        self.journal.withdraw_attempt(attempt)
        target = f"{attempt.target.provider}/{attempt.target.model}"
        add_note(self.journal.notes, f"passed over {target}: {_reason(refusal)}")
        self._refusals.append(refusal)
        self._schedule.withdrawn(attempt)

    def _give_up(self) -> None:
        """No attempt is left, or no time. Raises AllTargetsFailed, or why no attempt could be made."""
        for attempt in self._running.values():
            if attempt.waited_ms >= attempt.target.soft_timeout_ms:  # else it had too little time to be blamed
                self.limits.report_silence(attempt)
            attempt.failed(self._late(attempt))
        failures = [attempt.failure for attempt in self.journal.attempts if attempt.failure is not None]
        if not failures:
            raise self._refusals[0]
        raise AllTargetsFailed(failures)

    def _late(self, attempt: Attempt) -> UpstreamFailure:
        if self.journal.call.chat.streamed:
            return FirstTokenLate(attempt.target, attempt.waited_ms)
        return AnswerLate(attempt.target, f"no complete answer within {attempt.waited_ms:.0f} ms")


def _reason(refusal: GatewayError) -> str:
    if isinstance(refusal, BodyMalformed):
        return f"it does not take {refusal.param}"
    return "no key" if isinstance(refusal, ProviderKeyMissing) else "its key cannot be read"
