"""Finds the targets of a call, in order, from its headers, its model's name and its policy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from gateway.domain.call import Call, Target
from gateway.domain.errors import NoTargetAllowed, ProviderUnknown
from gateway.domain.secret import Secret
from gateway.providers import table
from gateway.providers.provider import Provider
from gateway.routing.provider_url import URL_HEADER, check_url
from gateway.upstream.addresses import PrivateHosts
from switchboard.domain.policy import FallbackTarget, Policy

FALLBACK_HEADER = "x-inference-fallback"


@dataclass(frozen=True, slots=True)
class Targets:
    """Finds the targets of calls.

    `base_urls`: URLs by provider that the deployment sets. `keyless`: the providers that need no key.
    """

    private_hosts: PrivateHosts
    base_urls: dict[str, str]
    keyless: frozenset[str]

    def of(self, call: Call, policy: Policy, notes: list[str]) -> list[Target]:
        """The call's targets in order. Each target that is left out adds a line to `notes`.

        Raises ProviderUnknown, ProviderUrlRefused or NoTargetAllowed.
        """
        if call.route.provider is None and policy.provider is not None:
            call = self._with_provider(call, policy.provider)
        targets = [self._first(call), *self._fallbacks(call, policy, notes)]
        if call.labels.is_zero_retention and policy.allowed_targets is not None:
            targets = self._allowed(targets, policy.allowed_targets, notes)
        return targets

    def _with_provider(self, call: Call, name: str) -> Call:
        """The call with the policy's provider, unless its own URL has another host or its model names a provider."""
        provider = table.by_name(name)
        is_elsewhere = call.route.url is not None and not _is_own_host(name, urlsplit(call.route.url).hostname)
        if provider is None or is_elsewhere or _names_provider(call.chat.model, provider):
            return call
        return replace(call, route=replace(call.route, provider=name))

    def _first(self, call: Call) -> Target:
        target = self._to_url(call, call.route.url) if call.route.url else self._by_model(call)
        return replace(target, headers=call.route.upstream_headers) if call.route.upstream_headers else target

    def _to_url(self, call: Call, url: str) -> Target:
        parsed = check_url(url, self.private_hosts)
        owner = table.by_url(parsed.hostname or "", parsed.path)
        known = _named(call) or owner
        key = call.route.key or (call.route.keys.get(owner.name) if owner else None)
        target = _target(known or table.GENERIC, call.chat.model, parsed, key, uses_stored_key=False)
        if known is not None:
            return target
        # At an unknown host the model's name decides who bills the call, never which dialect is used.
        priced_as = _provider_of_model(call) or table.GENERIC
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
        """The target of an entry; None where the provider has no address in this deployment."""
        provider = table.by_name(entry.provider)
        base_url = provider and (self.base_urls.get(provider.name) or provider.base_url)
        if provider is None or not base_url:
            return None
        key = call.route.keys.get(provider.name) or self._callers_key(call, provider)
        target = self._at_provider(provider, _model(entry), base_url, key)
        return replace(target, soft_timeout_ms=entry.ttft_timeout_ms or 0)

    def _callers_key(self, call: Call, provider: Provider) -> Secret | None:
        """The first target's key, if that target is at the same provider's own address."""
        if call.route.url is not None:
            return call.route.key if _is_own_host(provider.name, urlsplit(call.route.url).hostname) else None
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
        """Whether the policy allows the target. A caller's URL counts as its host's provider, whatever it claims.

        A host at which anybody can have a resource is allowed by its own name, or where the deployment itself names it.
        """
        if target.host in allowed:
            return True
        provider = table.by_dialect(target.dialect)
        is_providers = _is_own_host(target.provider, target.host) and not provider.has_tenant_hosts
        if not (is_providers or target.url == self._own_url(target.provider)):
            return False
        allowed = [*allowed, *(f"{provider.name}/{provider.aliases.get(n.partition('/')[2], '')}" for n in allowed)]
        full_name = target.model if target.model.startswith(f"{target.provider}/") else ""
        return bool({target.provider, f"{target.provider}/{target.model}", full_name} & set(allowed))

    def _own_url(self, name: str) -> str | None:
        """The URL of the deployment's address for a provider. Other paths of that host may be another service's."""
        provider, base_url = table.by_name(name), self.base_urls.get(name)
        if provider is None or base_url is None:
            return None
        return _target(provider, "", urlsplit(base_url), None, uses_stored_key=False).url


def _target(provider: Provider, model: str, url: SplitResult, key: Secret | None, *, uses_stored_key: bool) -> Target:
    return Target(
        provider=provider.name,
        dialect=provider.dialect,
        url=url._replace(path=provider.join(url.hostname or "", url.path)).geturl(),
        host=url.hostname or "",
        model=provider.aliases.get(model, model) if provider.serves(url.hostname or "") else model,
        soft_timeout_ms=0,
        key=key,
        uses_stored_key=uses_stored_key,
    )


def _no_address(entry: FallbackTarget) -> str:
    return (
        f"{entry.provider}/{entry.model} has no address here: the operator names one in PROVIDER_BASE_URLS, as in "
        f"{entry.provider}=https://…"
    )


def _model(entry: FallbackTarget) -> str:
    """The entry's model as its provider names it; a provider prefix is removed unless it is part of the name."""
    found = table.by_model(f"{entry.provider}/{entry.model}")
    return found[1] if found is not None and found[0].name == entry.provider else entry.model


def _is_own_host(provider: str, host: str | None) -> bool:
    """Whether the host is one of the provider's own, for any of its dialects."""
    owner = table.by_host(host or "")
    return owner is not None and owner.name == provider


def _names_provider(model: str, provider: Provider) -> bool:
    """Whether the model's name names a provider itself, which then wins over the policy's `provider`.

    If the policy's provider has models with slashes (`openai/gpt-oss-120b` at groq), only its own name counts.
    """
    named = table.named_by(model)
    has_plain_names = bool(provider.models) and not any("/" in prefix for prefix in provider.models)
    return named is not None and (named[0].name == provider.name or has_plain_names)


def _named(call: Call) -> Provider | None:
    return table.by_name(call.route.provider) if call.route.provider else None


def _provider_of_model(call: Call) -> Provider | None:
    found = table.by_model(call.chat.model)
    return found[0] if found else None
