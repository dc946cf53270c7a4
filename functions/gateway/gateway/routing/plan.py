"""A call and the policies that hold for it become an ordered plan: where it may go, and how long each step may take."""

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
"""What suits a voice agent. ElevenLabs waits 4 s for the first word before it asks again, and gives up after 20 s: the
second target starts early enough to be heard by then, and the whole plan ends while somebody still listens."""

ENDING_MS = 3000
"""What the platform's limit must leave for the caller to be told, and for the trace to be written."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the call goes, in order, and how long each step may take.

    `targets`: asked in this order, then those that failed again, up to `max_attempts` in all. `end_ms`: when, counted
    from the call's arrival, an answer must have begun (one that is not streamed: be whole). `stall_ms`: the longest
    silence within an answer. `call_timeout_ms`: all of the call. `longest_pause_ms`: whoever would have to wait longer
    for a target to take calls again is better told so.
    """

    targets: tuple[Target, ...]
    stall_ms: int
    call_timeout_ms: int
    end_ms: int
    max_attempts: int = 1
    hedge_after: HedgeAfter = NEVER_HEDGED
    buffer_words: BufferWords | None = None
    longest_pause_ms: int = 15_000
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans calls by their headers, the policies of their task and project, and the deployment's settings.

    `default`: the stack's own policy, which has a word on everything but `provider` and `allowed_targets`.
    """

    targets: Targets
    default: Policy
    stall_ms: int
    call_timeout_ms: int

    def policy(self, caller: Caller, task_id: str) -> Policy:
        """What holds for the caller's calls of a task: the task's policy, over the project's, over the stack's."""
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
            # A whole answer takes as long as it is: its silence says nothing.
            hedge_after=(call.route.hedge_after or policy.hedge_after or NEVER_HEDGED) if streamed else NEVER_HEDGED,
            buffer_words=policy.buffer_words if streamed and _has_text(policy) else None,
            longest_pause_ms=policy.plan_timeout_ms or 0,
            notes=notes,
        )


def _end_ms(call: Call, policy: Policy, targets: int) -> int:
    """When the first word must be there. A caller's own limit gives each target that long, and no more."""
    plan_timeout_ms = policy.plan_timeout_ms or 0
    asked_ms = call.route.ttft_timeout_ms
    return plan_timeout_ms if asked_ms is None else min(asked_ms * targets, max(plan_timeout_ms, asked_ms))


def _timed(call: Call, policy: Policy, target: Target, end_ms: int, targets: int) -> Target:
    """The target with the time it has: its caller's or its policy's word; for a whole answer an even share of all."""
    if not call.chat.streamed:
        return replace(target, patience_ms=end_ms // targets)
    policys_ms = target.patience_ms or policy.ttft_timeout_ms or end_ms
    asked_ms = call.route.ttft_timeout_ms or policys_ms
    return replace(target, patience_ms=min(asked_ms, end_ms), blames_silence=asked_ms >= policys_ms)


def _has_text(policy: Policy) -> bool:
    return policy.buffer_words is not None and bool(policy.buffer_words.text.strip())
