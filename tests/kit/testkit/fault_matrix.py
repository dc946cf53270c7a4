"""The cells of the fault matrix: every fault at every place of a plan, streamed and whole, and what must come of it."""

import re
from dataclasses import dataclass
from enum import Enum

from switchboard.domain.policy import FallbackTarget, Policy
from testkit.faults import BOOM, FAULTS, GOOD, Course, Fault, Stand, Way

TWINS = ("groq", "together", "fireworks")
"""The targets, in the order of the plan; one that has no twin is another provider's."""

OTHERS = {Stand.NOBODY: "mistral", Stand.NO_TLS: "xai", Stand.NO_NAME: "deepseek"}

PATIENCE_MS = 300
PATIENT_MS = 5000
SHORT_PLAN_MS = 1500
LONG_PLAN_MS = 10_000
WHOLE_MS = 2400
"""The time that a whole call has: each of its targets has an even share."""


class Place(Enum):
    """Where in the plan the fault is. Targets before it fail at once, those after it answer well."""

    FIRST = "first"
    SECOND = "second"
    LAST = "last"
    EVERY = "every"
    ALONE = "alone"
    """The only target, with one attempt more: a twin that is tried again answers well."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    fault: Fault
    place: Place
    streamed: bool

    @property
    def name(self) -> str:
        """The cell's own name: its call's task and model."""
        words = f"{self.fault.name} {self.place.value} {'streamed' if self.streamed else 'whole'}"
        return re.sub(r"\W+", "-", words)

    @property
    def course(self) -> Course:
        """How the call fares at the fault."""
        return self.fault.course(streamed=self.streamed)

    @property
    def targets(self) -> tuple[str, ...]:
        """The plan's providers."""
        at_fault = OTHERS.get(self.fault.stand)
        found = [at_fault or twin if self.is_at_fault(number) else twin for number, twin in enumerate(TWINS)]
        return tuple(found[:1] if self.place is Place.ALONE else found)

    def is_at_fault(self, number: int) -> bool:
        """Whether the fault is this target's."""
        first = {Place.FIRST: 0, Place.SECOND: 1, Place.LAST: 2, Place.ALONE: 0}.get(self.place)
        return first is None or number == first

    @property
    def attempts(self) -> tuple[tuple[str, Course], ...]:
        """Every attempt that must be made: at whom, and how it goes."""
        before = {Place.SECOND: 1, Place.LAST: 2}.get(self.place, 0)
        fails = self.course.way in (Way.NEXT, Way.LATE)
        attempts = [BOOM] * before + [self.course]
        if fails and self.place is Place.EVERY:
            attempts += [self.course] * 2
        elif fails and self.place in (Place.FIRST, Place.SECOND):
            attempts.append(GOOD)
        elif self.place is Place.ALONE and fails and self.course.may_repeat:
            attempts.append(GOOD if self.fault.stand is Stand.TWIN else self.course)
        targets = self.targets * (2 if self.place is Place.ALONE else 1)
        return tuple(zip(targets, attempts, strict=False))

    @property
    def patience_ms(self) -> tuple[int, ...]:
        """How long each target may be silent before the next one starts."""
        if not self.streamed:
            return (WHOLE_MS // len(self.targets),) * len(self.targets)
        is_late = self.course.way is Way.LATE
        return tuple(
            PATIENCE_MS if is_late and self.is_at_fault(number) else PATIENT_MS for number in range(len(self.targets))
        )

    @property
    def plan_ms(self) -> int:
        """When the plan ends that nobody answers in."""
        if not self.streamed:
            return WHOLE_MS
        is_waited_for = self.course.way is Way.LATE and self.place not in (Place.FIRST, Place.SECOND)
        return SHORT_PLAN_MS if is_waited_for else LONG_PLAN_MS

    @property
    def policy(self) -> Policy:
        """The policy of the cell's task."""
        first, *others = zip(self.targets, self.patience_ms, strict=True)
        return Policy(
            provider=first[0],
            fallback=tuple(FallbackTarget(provider, self.name, ms) for provider, ms in others),
            max_attempts=2 if self.place is Place.ALONE else 3,
            ttft_timeout_ms=first[1],
            plan_timeout_ms=self.plan_ms,
        )


CELLS = tuple(
    Cell(fault, place, streamed)
    for fault in FAULTS
    for place in Place
    for streamed in (True, False)
    # Where nothing fails, these two are the first place again.
    if fault.course(streamed=streamed).way is not Way.HEALED or place not in (Place.EVERY, Place.ALONE)
)

CELL_OF = {cell.name: cell for cell in CELLS}
