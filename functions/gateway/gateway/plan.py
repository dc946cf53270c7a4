"""A call and the policies that hold for it become an ordered plan: where it may go, and how long each step may take."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from gateway.call import Call, Caller, Target
from gateway.errors import NoTargetAllowed, ProviderUnknown
from gateway.provider_url import URL_HEADER, check_url
from gateway.providers import table
from gateway.providers.provider import Provider
from gateway.secret import Secret
from gateway.upstream.addresses import PrivateHosts
from switchboard.policy import BufferWords, FallbackTarget, HedgeAfter, Policy

FALLBACK_HEADER = "x-inference-fallback"

NEVER_HEDGED = HedgeAfter()
NO_HASTE_MS = 10**9
"""For a caller that sets no limit of its own."""

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
    for a target to take calls again is better told so. `blames_silence`: whether a target that stays silent
    has failed; not where the caller asked for more haste than the policy does.
    """

    targets: tuple[Target, ...]
    stall_ms: int
    call_timeout_ms: int
    end_ms: int
    max_attempts: int = 1
    hedge_after: HedgeAfter = NEVER_HEDGED
    buffer_words: BufferWords | None = None
    longest_pause_ms: int = 15_000
    blames_silence: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans calls by their headers, the policies of their task and project, and the deployment's settings.

    `default`: the stack's own policy, which has a word on everything but `provider` and `allowed_targets`. `base_urls`
    are providers' URLs that the deployment itself sets; `keyless` providers want no key.
    """

    private_hosts: PrivateHosts
    base_urls: dict[str, str]
    keyless: frozenset[str]
    default: Policy
    stall_ms: int
    call_timeout_ms: int

    def policy(self, caller: Caller, task_id: str) -> Policy:
        """What holds for the caller's calls of a task: the task's policy, over the project's, over the stack's."""
        return caller.policies.for_task(task_id).over(self.default)

    def plan(self, call: Call, policy: Policy) -> Plan:
        """The plan of one call. Raises ProviderUnknown, ProviderUrlRefused or NoTargetAllowed."""
        if call.route.provider is None and policy.provider is not None:
            call = self._with_provider(call, policy.provider)
        notes: list[str] = []
        targets = [self._first(call), *self._fallbacks(call, policy, notes)]
        if call.labels.is_zero_retention and policy.allowed_targets is not None:
            targets = self._allowed(targets, policy.allowed_targets, notes)
        max_attempts = policy.max_attempts or 1
        if len(targets) > max_attempts:
            notes.append(f"{len(targets)} targets for {max_attempts} attempts at most")
        return self._timed(call, policy, targets, tuple(notes))

    def _with_provider(self, call: Call, name: str) -> Call:
        """The call at the policy's provider, unless its own URL leads elsewhere."""
        provider = table.by_name(name)
        is_elsewhere = call.route.url is not None and not _is_home(name, urlsplit(call.route.url).hostname)
        return call if provider is None or is_elsewhere else replace(call, route=replace(call.route, provider=name))

    def _first(self, call: Call) -> Target:
        return self._to_url(call, call.route.url) if call.route.url else self._by_model(call)

    def _to_url(self, call: Call, url: str) -> Target:
        parsed = check_url(url, self.private_hosts)
        owner = table.by_host(parsed.hostname or "")
        known = _named(call) or owner
        key = call.route.key or (call.route.keys.get(owner.name) if owner else None)
        target = _target(known or table.GENERIC, call.chat.model, parsed, key, uses_stored_key=False)
        # A model's name says who bills an unknown host's calls, never what that host speaks.
        priced_as = known or _provider_of_model(call) or table.GENERIC
        return replace(target, provider=priced_as.name)

    def _by_model(self, call: Call) -> Target:
        provider, model = self._provider_and_model(call)
        base_url = self.base_urls.get(provider.name) or provider.base_url
        if base_url is None:
            raise ProviderUnknown(f"{provider.name} has no address of its own: send {URL_HEADER} with yours.")
        return self._at_provider(provider, model, base_url, call.route.key or call.route.keys.get(provider.name))

    def _provider_and_model(self, call: Call) -> tuple[Provider, str]:
        if (named := _named(call)) is not None:
            return named, call.chat.model
        found = table.by_model(call.chat.model)
        if found is None:
            raise ProviderUnknown(
                f"No provider is known for the model {call.chat.model!r}. Send x-inference-provider, or {URL_HEADER}.",
                param="model",
            )
        return found

    def _fallbacks(self, call: Call, policy: Policy, notes: list[str]) -> list[Target]:
        asked = call.route.fallback
        targets: list[Target] = []
        for entry in (policy.fallback or ()) if asked is None else asked:
            target = self._fallback(call, entry)
            if target is not None:
                targets.append(target)
            elif asked is not None:
                raise ProviderUnknown(_no_address(entry), param=FALLBACK_HEADER)
            else:
                notes.append(f"passed over a fallback: {_no_address(entry)}")
        return targets

    def _fallback(self, call: Call, entry: FallbackTarget) -> Target | None:
        """The target of an entry; None where the provider has no address here."""
        provider = table.by_name(entry.provider)
        base_url = provider and (self.base_urls.get(provider.name) or provider.base_url)
        if provider is None or not base_url:
            return None
        key = call.route.keys.get(provider.name) or self._callers_key(call, provider)
        target = self._at_provider(provider, _model(entry), base_url, key)
        return replace(target, patience_ms=entry.ttft_timeout_ms or 0)

    def _callers_key(self, call: Call, provider: Provider) -> Secret | None:
        """The first target's key, where that one is at the same provider's own address."""
        if call.route.url is not None:
            return call.route.key if _is_home(provider.name, urlsplit(call.route.url).hostname) else None
        return call.route.key if self._provider_and_model(call)[0].name == provider.name else None

    def _at_provider(self, provider: Provider, model: str, base_url: str, key: Secret | None) -> Target:
        uses_stored_key = key is None and provider.name not in self.keyless
        return _target(provider, model, urlsplit(base_url), key, uses_stored_key=uses_stored_key)

    def _allowed(self, targets: list[Target], allowed: Sequence[str], notes: list[str]) -> list[Target]:
        kept = [target for target in targets if self._is_allowed(target, allowed)]
        if not kept:
            raise NoTargetAllowed(
                "The call is under zero retention, and none of its targets may get such calls. The policy's "
                f"`allowed_targets` names: {', '.join(allowed) or 'none'}."
            )
        notes += [
            f"passed over {target.provider}/{target.model}: not allowed under zero retention"
            for target in targets
            if target not in kept
        ]
        return kept

    def _is_allowed(self, target: Target, allowed: Sequence[str]) -> bool:
        """Whether the policy marks the target; a caller's own URL counts as its host's, whatever it is called."""
        own = urlsplit(self.base_urls.get(target.provider, "")).hostname
        is_at_home = _is_home(target.provider, target.host) or target.host == own
        return is_at_home and bool({target.provider, f"{target.provider}/{target.model}"} & set(allowed))

    def _timed(self, call: Call, policy: Policy, targets: list[Target], notes: tuple[str, ...]) -> Plan:
        call_timeout_ms = self.call_timeout_ms
        if call.arrival.remaining_ms is not None:
            call_timeout_ms = max(1, min(call_timeout_ms, call.arrival.remaining_ms - ENDING_MS))
        streamed, max_attempts = call.chat.streamed, policy.max_attempts or 1
        asked = min(len(targets), max_attempts)
        end_ms = min(call_timeout_ms, _end_ms(call, policy, asked)) if streamed else call_timeout_ms
        patience_ms = [_patience_ms(call, policy, target, end_ms, asked) for target in targets]
        return Plan(
            targets=tuple(map(_with_patience, targets, patience_ms)),
            stall_ms=self.stall_ms,
            call_timeout_ms=call_timeout_ms,
            end_ms=end_ms,
            max_attempts=max_attempts,
            # A whole answer takes as long as it is: its silence says nothing.
            hedge_after=(call.route.hedge_after or policy.hedge_after or NEVER_HEDGED) if streamed else NEVER_HEDGED,
            buffer_words=policy.buffer_words if streamed and _has_text(policy) else None,
            longest_pause_ms=policy.plan_timeout_ms or 0,
            blames_silence=(call.route.ttft_timeout_ms or NO_HASTE_MS) >= (policy.ttft_timeout_ms or 0),
            notes=notes,
        )


def _end_ms(call: Call, policy: Policy, targets: int) -> int:
    """When the first word must be there. A caller's own limit gives each target that long, and no more."""
    plan_timeout_ms = policy.plan_timeout_ms or 0
    asked_ms = call.route.ttft_timeout_ms
    return plan_timeout_ms if asked_ms is None else min(asked_ms * targets, max(plan_timeout_ms, asked_ms))


def _patience_ms(call: Call, policy: Policy, target: Target, end_ms: int, targets: int) -> int:
    """How long the target may be silent before the next one starts; a whole answer has an even share of the time."""
    if not call.chat.streamed:
        return end_ms // targets
    return min(call.route.ttft_timeout_ms or target.patience_ms or policy.ttft_timeout_ms or end_ms, end_ms)


def _with_patience(target: Target, patience_ms: int) -> Target:
    return replace(target, patience_ms=patience_ms)


def _has_text(policy: Policy) -> bool:
    return policy.buffer_words is not None and bool(policy.buffer_words.text.strip())


def _target(provider: Provider, model: str, url: SplitResult, key: Secret | None, *, uses_stored_key: bool) -> Target:
    return Target(
        provider=provider.name,
        dialect=provider.key,
        url=url._replace(path=provider.path(url.path)).geturl(),
        host=url.hostname or "",
        model=model,
        patience_ms=0,
        key=key,
        uses_stored_key=uses_stored_key,
    )


def _no_address(entry: FallbackTarget) -> str:
    return (
        f"{entry.provider}/{entry.model} has no address here: the operator names one in PROVIDER_BASE_URLS, as in "
        f"{entry.provider}=https://…"
    )


def _model(entry: FallbackTarget) -> str:
    """The entry's model as its provider knows it: with the provider's name before it only where that is part of it."""
    found = table.by_model(f"{entry.provider}/{entry.model}")
    return found[1] if found is not None and found[0].name == entry.provider else entry.model


def _is_home(provider: str, host: str | None) -> bool:
    """Whether the host is one of the provider's own, whichever of its dialects it speaks there."""
    owner = table.by_host(host or "")
    return owner is not None and owner.name == provider


def _named(call: Call) -> Provider | None:
    return table.by_name(call.route.provider) if call.route.provider else None


def _provider_of_model(call: Call) -> Provider | None:
    found = table.by_model(call.chat.model)
    return found[0] if found else None
