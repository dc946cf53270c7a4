"""A policy: what a task, a project or the whole stack wants of its calls. The narrowest that speaks decides."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class FallbackTarget:
    """A place to send a call when those before it fail: a provider by name, and its own name for the model.

    `ttft_timeout_ms`: this target's own deadline; None: the policy's.
    """

    provider: str
    model: str
    ttft_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HedgeAfter:
    """How long a target may be silent before the next one starts beside it.

    Either a fixed time in `ms`, or a `quantile` (0 to 1) of the target's own times to first token. Neither: never.
    """

    ms: int | None = None
    quantile: float | None = None


@dataclass(frozen=True, slots=True)
class BufferWords:
    """Words that a caller hears after so long a silence; an empty `text` is none."""

    text: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What is wanted. None leaves it to the next wider policy: the task's, the project's, the stack's.

    `provider`: where a call goes that names no provider itself. `fallback`: the targets after the first, in order.
    `max_attempts`: how many attempts a call may make in all. `ttft_timeout_ms`: how long a target may take to its first
    word before the next one starts. `plan_timeout_ms`: how long all of them may take together. `allowed_targets`: the
    `provider` or `provider/model` names that a call under zero retention may go to; None sets no limit.
    `recognises_retries`: whether a call of the same conversation and history counts as a retry of its turn.
    """

    provider: str | None = None
    fallback: tuple[FallbackTarget, ...] | None = None
    max_attempts: int | None = None
    ttft_timeout_ms: int | None = None
    plan_timeout_ms: int | None = None
    hedge_after: HedgeAfter | None = None
    buffer_words: BufferWords | None = None
    zero_retention: bool | None = None
    allowed_targets: tuple[str, ...] | None = None
    recognises_retries: bool | None = None

    def over(self, wider: "Policy") -> "Policy":
        """This policy, and the wider one's word where this one is silent."""
        return Policy(*(_first(getattr(self, name), getattr(wider, name)) for name in _NAMES))


_NAMES = tuple(field.name for field in fields(Policy))


def _first(value: Any, otherwise: Any) -> Any:  # noqa: ANN401 - a field's value, of the field's own type
    return otherwise if value is None else value


@dataclass(frozen=True, slots=True)
class ProjectPolicies:
    """All policies of one project: its own, and its tasks' by task id.

    `unreadable`: those of them (None: the project's own) whose rows nobody can read. They allow nothing.
    """

    project: Policy
    tasks: dict[str, Policy]
    unreadable: frozenset[str | None] = frozenset()

    def for_task(self, task_id: str) -> Policy:
        """The task's policy over the project's."""
        task = self.tasks.get(task_id)
        return self.project if task is None else task.over(self.project)


NO_POLICIES = ProjectPolicies(Policy(), {})
