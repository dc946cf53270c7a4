"""Budgets for extra requests, and what one project's calls may change: its own budgets and its view of the targets."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from gateway.domain.attempt import Attempt
from gateway.domain.call import Target
from gateway.domain.clock import Clock
from gateway.domain.errors import ConnectFailed, UpstreamFailure
from gateway.domain.reports import UpstreamRejected
from gateway.relay.health import Health
from gateway.relay.project_health import ProjectHealth
from switchboard.domain.bounded_dict import BoundedDict

MAX_PROJECTS = 200
MAX_TARGETS = 100
"""Of one project. Callers may name any host and model, so the number of records is limited."""

SHARED_SILENCE_MS = 2500
"""A project's policy may set any timeout. Only a silence of this length counts against a target for all projects."""

_SERVER_ERROR = 500


class Budget:
    """Each call adds a share of one extra request to the balance; an extra request takes one.

    `percent`: extra requests for every hundred calls. `max_balance`: how many can be saved up, so that quiet hours do
    not pay for a burst. `initial`: the balance of a new process.
    """

    def __init__(self, *, percent: float, max_balance: float, initial: float) -> None:
        self._share = percent / 100
        self._max_balance = max_balance
        self._balance = initial if percent > 0 else 0.0

    def earn(self) -> None:
        """Add one call's share."""
        self._balance = min(self._max_balance, self._balance + self._share)

    def spend(self) -> bool:
        """Take one extra request if the balance allows it; whether it did."""
        # The tolerance is for rounding: twenty times 0.05 is not quite 1.
        if self._balance < 1 - 1e-9:
            return False
        self._balance -= 1
        return True

    def give_back(self) -> None:
        """Put one back: the extra request was not sent."""
        self._balance = min(self._max_balance, self._balance + 1)


class Budgets:
    """One budget for each target, so that calls to one target never spend what another one may need."""

    def __init__(self, new: Callable[[], Budget]) -> None:
        self._new = new
        self._budgets = BoundedDict[tuple[str, str], Budget](MAX_TARGETS)

    def earn(self, targets: Iterable[Target]) -> None:
        """Add one call's share for each target that the call may be sent to."""
        for target in targets:
            self.of(target).earn()

    def of(self, target: Target) -> Budget:
        """The target's budget."""
        name = target.url, target.model
        # Written on each use, so that the targets in use are kept.
        budget = self._budgets[name] = self._budgets.get(name) or self._new()
        return budget


@dataclass(frozen=True, slots=True)
class ProjectLimits:
    """What is known and allowed for the calls of one project.

    `hedges`: the budgets for second requests in parallel to a slow one. `retries`: the budgets for further attempts at
    a target that has failed the same call. `backoff_ms`: the longest pause before the first of these.
    """

    health: ProjectHealth
    hedges: Budgets
    retries: Budgets
    random: Random
    backoff_ms: float

    def count_call(self, targets: Iterable[Target]) -> None:
        """Let a call earn its share of its targets' budgets."""
        targets = tuple(targets)
        self.hedges.earn(targets)
        self.retries.earn(targets)

    def report_failure(self, attempt: Attempt, failure: UpstreamFailure) -> None:
        """Count a failed attempt against its target's health, where the target is to blame."""
        if failure.blames_target and attempt.take_blame():
            self.health.failed(attempt.target, for_all=_is_the_providers(failure))

    def report_silence(self, attempt: Attempt) -> None:
        """Count an attempt without content in time against its target, unless only its caller was in a hurry."""
        if attempt.target.blames_silence and attempt.take_blame():
            self.health.failed(attempt.target, for_all=attempt.waited_ms >= SHARED_SILENCE_MS)


@dataclass(frozen=True, slots=True)
class Limits:
    """One for the life of the process: each project has limits of its own, which no other project's calls change.

    `new_hedges` and `new_retries` make a target's budgets. Health is shared between projects only where a fault is
    certainly the provider's: at its own address, with the deployment's key, a connection that fails, a 5xx, or silence.
    """

    clock: Clock
    random: Random
    new_hedges: Callable[[], Budget]
    new_retries: Callable[[], Budget]
    backoff_ms: float
    _shared: Health = field(init=False)
    _projects: BoundedDict[str, ProjectLimits] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shared", Health(self.clock, self.random))
        object.__setattr__(self, "_projects", BoundedDict[str, ProjectLimits](MAX_PROJECTS))

    def of(self, project: str) -> ProjectLimits:
        """The project's limits."""
        limits = self._projects.get(project)
        if limits is None:
            own = Health(self.clock, self.random, MAX_TARGETS)
            health = ProjectHealth(own, self._shared)
            hedges, retries = Budgets(self.new_hedges), Budgets(self.new_retries)
            limits = ProjectLimits(health, hedges, retries, self.random, self.backoff_ms)
        self._projects[project] = limits
        return limits


def _is_the_providers(failure: UpstreamFailure) -> bool:
    """Whether no request, whatever it asks for, can be the reason for the failure."""
    if isinstance(failure, UpstreamRejected):
        return failure.status >= _SERVER_ERROR
    return isinstance(failure, ConnectFailed)
