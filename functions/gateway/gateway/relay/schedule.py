"""Which target a call asks next, and when."""

from collections import deque
from dataclasses import dataclass, field

from gateway.domain.attempt import REDIRECTED, Attempt
from gateway.domain.call import Target
from gateway.domain.errors import UpstreamFailure
from gateway.domain.reports import UpstreamRejected
from gateway.recording.journal import Journal
from gateway.relay.limits import ProjectLimits
from gateway.relay.retry_after import pause_ms
from gateway.routing.plan import Plan

LATEST_RETRY = 0.75
"""Of a plan's time: an attempt that starts later could hardly be answered within it."""

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class _Retry:
    """A target that has failed and may be asked again, from a moment on."""

    target: Target
    from_ms: float


@dataclass(slots=True)
class Schedule:
    """The targets of one call that can still be asked. Moments are milliseconds since the call's arrival.

    The delay of a hedge counts from the moment at which the newest attempt's request was ready: the time in which its
    key is looked up is not the provider's.
    """

    plan: Plan
    limits: ProjectLimits
    journal: Journal
    _hedge_after_ms: float = field(default=NEVER, init=False)
    _newest: Attempt | None = field(default=None, init=False)
    _hedged: Target | None = field(default=None, init=False)
    _untried: deque[Target] = field(default_factory=deque, init=False)
    _retries: list[_Retry] = field(default_factory=list, init=False)

    def begin(self, retry: int) -> Target:
        """The first target: the plan's healthiest, or for a retry of a turn the one of its number."""
        self._untried.extend(self.limits.health.order(self.plan.targets))
        self._untried.rotate(-retry % len(self._untried))
        return self._untried.popleft()

    def upcoming(self) -> tuple[Target | None, float]:
        """The next target, and the moment from which it may be asked; (None, NEVER) where none is left."""
        if not self._has_attempts_left():
            return None, NEVER
        if self._untried:
            return self._untried[0], 0.0
        soonest = min(self._retries, key=lambda retry: retry.from_ms, default=None)
        return (None, NEVER) if soonest is None else (soonest.target, soonest.from_ms)

    def take(self, now_ms: float) -> Target | None:
        """The target to ask now, if one is due."""
        target, from_ms = self.upcoming()
        if target is None or from_ms > now_ms:
            return None
        if self._untried:
            return self._untried.popleft()
        if now_ms <= self._latest_retry_ms() and self.limits.retries.of(target).spend():
            self._retries = [retry for retry in self._retries if retry.target is not target]
            return target
        self._retries.clear()
        return None

    def hedge_due_ms(self, now_ms: float) -> float:
        """When a second request may be sent in parallel to the newest one."""
        if self._newest is None or self._hedge_after_ms == NEVER:
            return NEVER
        return (self._newest.started_ms if self._newest.is_ready else now_ms) + self._hedge_after_ms

    def take_hedge(self, running: Target | None) -> Target | None:
        """The target of a hedge: the next one, else the one that is `running`; None where no hedge may be sent."""
        self._hedge_after_ms = NEVER
        if running is None or not self._has_attempts_left() or not self.limits.hedges.of(running).spend():
            return None
        self._hedged = running
        return self._untried.popleft() if self._untried else running

    def started(self, attempt: Attempt) -> None:
        """An attempt has started: one hedge a call at most, and only in parallel to the newest attempt."""
        is_hedged = any(other.is_hedge for other in self.journal.attempts)
        self._newest, self._hedge_after_ms = attempt, NEVER if is_hedged else self._wanted_hedge_ms(attempt.target)

    def withdrawn(self, attempt: Attempt) -> None:
        """No request could be made for an attempt: a hedge is due again at another target."""
        if attempt.is_hedge:
            self.limits.hedges.of(self._hedged or attempt.target).give_back()
            self._newest, self._hedge_after_ms = attempt, 0.0 if self._untried else NEVER

    def add_retry(self, failure: UpstreamFailure) -> None:
        """Ask the target of a failure again after a pause, where that may help and is still in time."""
        if not failure.may_repeat or (failure.is_slip and self._has_slipped_before(failure)):
            return
        if (from_ms := self._retry_from_ms(failure)) is not None:
            self._retries.append(_Retry(failure.target, from_ms))

    def close(self) -> None:
        """Ask no further target."""
        self._untried.clear()
        self._retries.clear()
        self._hedge_after_ms = NEVER

    def redirect(self, first: Target, retry: int) -> Target | None:
        """The target for a retry's number where that is not `first`, which has been asked. Reorders what is left."""
        order = deque([first, *self._untried])
        order.rotate(-retry % len(order))
        if order[0] is first:
            return None
        self._untried = order
        return self._untried.popleft()

    def _has_slipped_before(self, slip: UpstreamFailure) -> bool:
        earlier = [attempt.failure for attempt in self.journal.attempts if attempt.failure not in (None, slip)]
        return any(failure is not None and failure.is_slip and failure.target is slip.target for failure in earlier)

    def _has_attempts_left(self) -> bool:
        made = sum(attempt.outcome != REDIRECTED for attempt in self.journal.attempts)
        return made < self.plan.max_attempts

    def _wanted_hedge_ms(self, target: Target) -> float:
        wanted = self.plan.hedge_after
        if wanted.quantile is not None:
            return self.limits.health.ttft_quantile_ms(target, wanted.quantile) or NEVER
        return wanted.ms or NEVER

    def _retry_from_ms(self, failure: UpstreamFailure) -> float | None:
        """When its target may be asked again; None where that would be too late to be of use."""
        failures = sum(attempt.failure is not None for attempt in self.journal.attempts)
        pause = pause_ms(failures - 1, self.limits.backoff_ms, self.limits.random)
        if isinstance(failure, UpstreamRejected) and failure.retry_after_ms is not None:
            pause = failure.retry_after_ms
        from_ms = self.journal.elapsed_ms() + pause
        return from_ms if pause <= self.plan.max_pause_ms and from_ms <= self._latest_retry_ms() else None

    def _latest_retry_ms(self) -> float:
        return self.plan.end_ms * LATEST_RETRY
