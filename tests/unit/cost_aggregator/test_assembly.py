"""A scheduled run: every step has time, whatever the others have to do."""

from collections.abc import Sequence
from typing import Any, cast

from cost_aggregator.assembly import Aggregator
from cost_aggregator.backoff import ONE_TRY_MS, RemainingMs

SCHEDULED = {"source": "aws.events"}
LAMBDA_MS = 60_000.0


class Steps:
    """Each step of a run: it has work without end, and uses its time as far as a try fits in it."""

    def __init__(self) -> None:
        self.left_ms = LAMBDA_MS
        self.used_ms: dict[str, float] = {}

    def remaining_ms(self) -> float:
        return self.left_ms

    def work(self, step: str, remaining_ms: RemainingMs, most_ms: float = LAMBDA_MS) -> None:
        used = self.used_ms[step] = min(most_ms, max(0.0, remaining_ms() - ONE_TRY_MS))
        self.left_ms -= used

    def sweep(self, remaining_ms: RemainingMs) -> None:
        self.work("sweep", remaining_ms)

    def projects(self) -> Sequence[str]:
        return ("acme", "zeta")

    def publish(self, remaining_ms: RemainingMs | None = None) -> None:
        if remaining_ms is not None:
            self.work("book", remaining_ms, 4000)

    def audit(self, projects: Sequence[str], remaining_ms: RemainingMs) -> None:
        assert projects == self.projects()
        self.work("audit", remaining_ms)


class Reprices:
    """The step that tries calls without a price."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def sweep(self, projects: Sequence[str], remaining_ms: RemainingMs) -> None:
        assert projects == self.steps.projects()
        self.steps.work("reprice", remaining_ms)


def test_no_step_of_a_scheduled_run_takes_the_time_of_the_others() -> None:
    steps = Steps()
    step = cast("Any", steps)
    run = Aggregator(step, step, step, step, cast("Any", Reprices(steps)), step)
    assert run.handle(SCHEDULED, steps.remaining_ms) == {}
    assert steps.used_ms.keys() == {"sweep", "book", "reprice", "audit"}
    assert steps.used_ms["sweep"] > LAMBDA_MS / 2
    assert all(used_ms > ONE_TRY_MS / 2 for used_ms in steps.used_ms.values())
    assert steps.left_ms >= ONE_TRY_MS
