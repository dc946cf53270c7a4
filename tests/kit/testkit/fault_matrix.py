"""The cells of the fault matrix: every fault at every position of a plan, streamed and whole, and its attempts."""

import re
from dataclasses import dataclass
from enum import Enum

from switchboard.domain.policy import FallbackTarget, Policy
from testkit.faults import BOOM, FAULTS, GOOD, Address, Case, Effect, Fault

PROVIDERS = ("groq", "together", "fireworks")
"""The providers of the plan's targets, in order. Each has a scripted upstream."""

PROVIDER_OF = {Address.REFUSES: "mistral", Address.NO_TLS: "xai", Address.UNRESOLVABLE: "deepseek"}
"""The provider of a target whose address has no scripted upstream."""

SHORT_TTFT_MS = 300
LONG_TTFT_MS = 5000
SHORT_PLAN_MS = 3000
"""The plan time of a call that uses all of it. The last target starts after 600 ms; the rest is for a busy machine."""

LONG_PLAN_MS = 10_000
WHOLE_CALL_MS = 3600
"""The call timeout of a whole call that uses all of it: each of its targets has an even share."""


class Position(Enum):
    """Where in the plan the fault is. Targets before it fail at once, those after it answer well."""

    FIRST = "first"
    SECOND = "second"
    LAST = "last"
    EVERY = "every"
    ALONE = "alone"
    """The only target, with one more attempt: a scripted upstream answers it well."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    fault: Fault
    position: Position
    streamed: bool

    @property
    def name(self) -> str:
        """The cell's name, which is its call's task and model."""
        words = f"{self.fault.name} {self.position.value} {'streamed' if self.streamed else 'whole'}"
        return re.sub(r"\W+", "-", words)

    @property
    def case(self) -> Case:
        """What the target at fault does."""
        return self.fault.case(streamed=self.streamed)

    @property
    def targets(self) -> tuple[str, ...]:
        """The plan's providers."""
        at_fault = PROVIDER_OF.get(self.fault.address)
        found = [at_fault or name if self.is_at_fault(number) else name for number, name in enumerate(PROVIDERS)]
        return tuple(found[:1] if self.position is Position.ALONE else found)

    def is_at_fault(self, number: int) -> bool:
        """Whether the target of that number has the fault."""
        first = {Position.FIRST: 0, Position.SECOND: 1, Position.LAST: 2, Position.ALONE: 0}.get(self.position)
        return first is None or number == first

    @property
    def attempts(self) -> tuple[tuple[str, Case], ...]:
        """Every attempt that must be made: its provider and its case."""
        before = {Position.SECOND: 1, Position.LAST: 2}.get(self.position, 0)
        fails = self.case.effect in (Effect.FAILS, Effect.LATE)
        attempts = [BOOM] * before + [self.case]
        if fails and self.position is Position.EVERY:
            attempts += [self.case] * 2
        elif fails and self.position in (Position.FIRST, Position.SECOND):
            attempts.append(GOOD)
        elif self.position is Position.ALONE and fails and self.case.may_repeat:
            attempts.append(GOOD if self.fault.address is Address.SERVER else self.case)
        targets = self.targets * (2 if self.position is Position.ALONE else 1)
        return tuple(zip(targets, attempts, strict=False))

    @property
    def deadlines_ms(self) -> tuple[int, ...]:
        """For each target: how long after its own start the next target starts, if it has not answered."""
        if not self.streamed:
            return (WHOLE_CALL_MS // len(self.targets),) * len(self.targets)
        is_late = self.case.effect is Effect.LATE
        return tuple(
            SHORT_TTFT_MS if is_late and self.is_at_fault(number) else LONG_TTFT_MS
            for number in range(len(self.targets))
        )

    @property
    def plan_ms(self) -> int:
        """The plan's time; a call that no target answers ends then."""
        if self.case.effect is not Effect.LATE:
            return LONG_PLAN_MS
        if not self.streamed:
            return WHOLE_CALL_MS
        return LONG_PLAN_MS if self.position in (Position.FIRST, Position.SECOND) else SHORT_PLAN_MS

    @property
    def policy(self) -> Policy:
        """The policy of the cell's task."""
        first, *others = zip(self.targets, self.deadlines_ms, strict=True)
        return Policy(
            provider=first[0],
            fallback=tuple(FallbackTarget(provider, self.name, ms) for provider, ms in others),
            max_attempts=2 if self.position is Position.ALONE else 3,
            ttft_timeout_ms=first[1],
            plan_timeout_ms=self.plan_ms,
        )


CELLS = tuple(
    Cell(fault, position, streamed)
    for fault in FAULTS
    for position in Position
    for streamed in (True, False)
    # If nothing fails, these two are the first position again.
    if fault.case(streamed=streamed).effect is not Effect.ANSWERS or position not in (Position.EVERY, Position.ALONE)
)

CELL_OF = {cell.name: cell for cell in CELLS}
