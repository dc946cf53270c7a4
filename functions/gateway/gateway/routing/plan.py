"""Makes a call's plan from its headers and policies: the targets in order, and the timeouts of each step."""

from dataclasses import dataclass, replace

from gateway.domain.call import Call, Caller, Target
from gateway.routing.targets import Targets
from switchboard.domain.policy import BufferWords, HedgeAfter, Policy

NEVER_HEDGED = HedgeAfter()

VOICE = Policy(
    fallback=(),
    max_attempts=3,
    ttft_timeout_ms=2500,
    plan_timeout_ms=15_000,
    hedge_after=NEVER_HEDGED,
    buffer_words=BufferWords("", 0),
    zero_retention=False,
    recognises_retries=True,
)
"""Defaults for voice agents. ElevenLabs retries after 4 s without content and gives up after 20 s: the second target
starts early enough to answer within the 4 s, and the plan ends before the 20 s."""

ENDING_MS = 3000
"""What is left of the platform's limit for the error to be sent and the trace to be written."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The targets in order, and the timeouts of each step.

    `targets`: asked in this order; then those that failed are retried, up to `max_attempts` in all. `end_ms`: by when,
    from the call's arrival, an answer must have begun (not streamed: be complete). `stall_ms`: the longest silence
    within an answer. `call_timeout_ms`: for the whole call. `max_pause_ms`: a target whose `retry-after` is longer is
    not retried.
    """

    targets: tuple[Target, ...]
    stall_ms: int
    call_timeout_ms: int
    end_ms: int
    max_attempts: int = 1
    hedge_after: HedgeAfter = NEVER_HEDGED
    buffer_words: BufferWords | None = None
    max_pause_ms: int = 15_000
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans calls from their headers, the policies of task and project, and the deployment's settings.

    `default`: the stack's own policy. It sets every field but `provider` and `allowed_targets`.
    """

    targets: Targets
    default: Policy
    stall_ms: int
    call_timeout_ms: int

    def policy(self, caller: Caller, task_id: str) -> Policy:
        """The policy of a task's calls: for each field the task's value, else the project's, else the stack's."""
        return caller.policies.for_task(task_id).over(self.default)

    def plan(self, call: Call, policy: Policy) -> Plan:
        """The plan of one call. Raises ProviderUnknown, ProviderUrlRefused or NoTargetAllowed."""
        notes: list[str] = []
        targets = self.targets.of(call, policy, notes)
        max_attempts = policy.max_attempts or 1
        if len(targets) > max_attempts:
            notes.append(f"{len(targets)} targets for {max_attempts} attempts at most")
        return self._timed(call, policy, targets, tuple(notes))

    def _timed(self, call: Call, policy: Policy, targets: list[Target], notes: tuple[str, ...]) -> Plan:
        call_timeout_ms = self.call_timeout_ms
        if call.arrival.remaining_ms is not None:
            call_timeout_ms = max(1, min(call_timeout_ms, call.arrival.remaining_ms - ENDING_MS))
        streamed, max_attempts = call.chat.streamed, policy.max_attempts or 1
        reached = min(len(targets), max_attempts)
        end_ms = min(call_timeout_ms, _end_ms(call, policy, reached)) if streamed else call_timeout_ms
        return Plan(
            targets=tuple(_timed(call, policy, target, end_ms, reached) for target in targets),
            stall_ms=self.stall_ms,
            call_timeout_ms=call_timeout_ms,
            end_ms=end_ms,
            max_attempts=max_attempts,
            # An answer that is not streamed is silent until it is complete, so silence is no reason to hedge.
            hedge_after=(call.route.hedge_after or policy.hedge_after or NEVER_HEDGED) if streamed else NEVER_HEDGED,
            buffer_words=policy.buffer_words if streamed and _has_text(policy) else None,
            max_pause_ms=policy.plan_timeout_ms or 0,
            notes=notes,
        )


def _end_ms(call: Call, policy: Policy, targets: int) -> int:
    """When the first content must be there. A caller's own timeout gives each target that long."""
    plan_timeout_ms = policy.plan_timeout_ms or 0
    asked_ms = call.route.ttft_timeout_ms
    return plan_timeout_ms if asked_ms is None else min(asked_ms * targets, max(plan_timeout_ms, asked_ms))


def _timed(call: Call, policy: Policy, target: Target, end_ms: int, targets: int) -> Target:
    """The target with its soft timeout: the caller's or the policy's; not streamed: an even share of `end_ms`."""
    if not call.chat.streamed:
        return replace(target, soft_timeout_ms=end_ms // targets)
    policy_ms = target.soft_timeout_ms or policy.ttft_timeout_ms or end_ms
    asked_ms = call.route.ttft_timeout_ms or policy_ms
    return replace(target, soft_timeout_ms=min(asked_ms, end_ms), blames_silence=asked_ms >= policy_ms)


def _has_text(policy: Policy) -> bool:
    return policy.buffer_words is not None and bool(policy.buffer_words.text.strip())
