"""A policy: how the calls of a task, a project or the stack are made. The narrowest policy to set a field wins."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class FallbackTarget:
    """A target that is tried if those before it fail: a provider's name, and its name for the model.

    `ttft_timeout_ms`: this target's own deadline; None for the policy's.
    """

    provider: str
    model: str
    ttft_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HedgeAfter:
    """How long a target may send no content before the next one is started in parallel.

    Either a fixed time in `ms`, or a `quantile` (0 to 1) of the target's own times to first token. If neither is
    set, there is no hedge.
    """

    ms: int | None = None
    quantile: float | None = None


@dataclass(frozen=True, slots=True)
class BufferWords:
    """Words that are sent if no content has come after `after_ms`; an empty `text` disables them."""

    text: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. A field that is None is taken from the next wider policy: the task's, the project's, the stack's.

    `provider`: used if the call names no provider. `fallback`: the targets after the first, in order.
    `max_attempts`: how many attempts a call may make in all. `ttft_timeout_ms`: how long a target may take to its first
    token before the next one starts. `plan_timeout_ms`: how long all of them may take together. `allowed_targets`: the
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
        """This policy, with unset fields taken from the wider one."""
        return Policy(*(_first(getattr(self, name), getattr(wider, name)) for name in _NAMES))


_NAMES = tuple(field.name for field in fields(Policy))


def _first(value: Any, otherwise: Any) -> Any:  # noqa: ANN401 - a field's value, of the field's own type
    return otherwise if value is None else value


@dataclass(frozen=True, slots=True)
class ProjectPolicies:
    """All policies of one project: its own, and its tasks' by task id.

    `unreadable`: the tasks (None: the project itself) whose stored policy cannot be read. Such a policy allows nothing.
    """

    project: Policy
    tasks: dict[str, Policy]
    unreadable: frozenset[str | None] = frozenset()

    def for_task(self, task_id: str) -> Policy:
        """The task's policy over the project's."""
        task = self.tasks.get(task_id)
        return self.project if task is None else task.over(self.project)


NO_POLICIES = ProjectPolicies(Policy(), {})
