"""A call becomes the ordered targets it may be sent to, each with its own deadline."""

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from gateway.call import Call, Target
from gateway.errors import ProviderUnknown, ProviderUrlRefused
from gateway.providers import table
from gateway.providers.provider import Provider
from gateway.upstream.addresses import PrivateHosts, is_public

URL_HEADER = "x-inference-provider-url"

# A last label made of digits or 0x…: a number in disguise, which resolvers read as an IPv4 address.
_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
_HOST_NAME = re.compile(r"(?=.{1,253}\.?$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
_MAX_URL_CHARACTERS = 2048


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the call goes, in order. `stall_ms`: the longest silence within an answer. `call_timeout_ms`: all of it."""

    targets: tuple[Target, ...]
    stall_ms: int
    call_timeout_ms: int


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans calls by the deployment's settings. `base_urls` are providers' URLs that the deployment itself sets;
    `keyless` providers want no key."""

    private_hosts: PrivateHosts
    base_urls: dict[str, str]
    keyless: frozenset[str]
    ttft_timeout_ms: int
    stall_ms: int
    call_timeout_ms: int

    def plan(self, call: Call) -> Plan:
        """The plan of one call. Raises ProviderUnknown or ProviderUrlRefused."""
        target = self._to_url(call, call.route.url) if call.route.url else self._by_model(call)
        return Plan((target,), self.stall_ms, self.call_timeout_ms)

    def _to_url(self, call: Call, url: str) -> Target:
        parsed = check_url(url, self.private_hosts)
        host = parsed.hostname or ""
        known = _named(call) or table.by_host(host)
        target = self._target(call, known or table.GENERIC, call.chat.model, parsed, uses_stored_key=False)
        # A model's name says who bills an unknown host's calls, never what that host speaks.
        priced_as = known or _provider_of_model(call) or table.GENERIC
        return replace(target, provider=priced_as.name)

    def _by_model(self, call: Call) -> Target:
        provider, model = self._provider_and_model(call)
        base_url = self.base_urls.get(provider.name) or provider.base_url
        if base_url is None:
            raise ProviderUnknown(f"{provider.name} has no address of its own: send {URL_HEADER} with yours.")
        uses_stored_key = call.route.key is None and provider.name not in self.keyless
        return self._target(call, provider, model, urlsplit(base_url), uses_stored_key=uses_stored_key)

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

    def _target(self, call: Call, provider: Provider, model: str, url: SplitResult, *, uses_stored_key: bool) -> Target:
        return Target(
            provider=provider.name,
            dialect=provider.key,
            url=url._replace(path=provider.path(url.path)).geturl(),
            host=url.hostname or "",
            model=model,
            ttft_timeout_ms=call.route.ttft_timeout_ms or self.ttft_timeout_ms,
            key=call.route.key,
            uses_stored_key=uses_stored_key,
        )


def check_url(url: str, private_hosts: PrivateHosts) -> SplitResult:
    """The URL in parts, if the gateway may call it by its looks; its addresses are checked when it connects.

    Raises ProviderUrlRefused: not http(s), plain http to a host that is not on the list, user names, fragments, numbers
    in disguise, literal addresses that are not public.
    """
    try:
        parsed = urlsplit(url)
        host, port = parsed.hostname, parsed.port
    except ValueError:
        raise _refused("is not a URL") from None
    if parsed.scheme not in {"http", "https"} or not host:
        raise _refused("must begin with https:// and name a host")
    if re.search(r"[@%]", parsed.netloc) or re.search(r"[^\x21-\x7e]|[#\\]", url) or len(url) > _MAX_URL_CHARACTERS:
        raise _refused("must be a plain URL: no user name, fragment, backslash, space or non-ASCII character")
    if private_hosts.allows(host, port or (443 if parsed.scheme == "https" else 80)):
        return parsed
    if parsed.scheme != "https":
        raise _refused("must begin with https://")
    if not (_is_public_literal(host) if "[" in parsed.netloc else _is_public_by_looks(host)):
        raise _refused("names an address that the gateway does not call")
    return parsed


def _is_public_by_looks(host: str) -> bool:
    """Whether it is an ordinary name, or an IPv4 address written in the ordinary way that is public."""
    if _NUMERIC_HOST.fullmatch(host.rstrip(".")):
        return _is_public_literal(host)
    return _HOST_NAME.fullmatch(host) is not None and host.rstrip(".") != "localhost"


def _is_public_literal(host: str) -> bool:
    try:
        return is_public(ipaddress.ip_address(host))
    except ValueError:
        return False


def _refused(reason: str) -> ProviderUrlRefused:
    return ProviderUrlRefused(
        f"{URL_HEADER} {reason}. The operator can allow a private host with PRIVATE_PROVIDER_HOSTS.", param=URL_HEADER
    )


def _named(call: Call) -> Provider | None:
    return table.by_name(call.route.provider) if call.route.provider else None


def _provider_of_model(call: Call) -> Provider | None:
    found = table.by_model(call.chat.model)
    return found[0] if found else None
