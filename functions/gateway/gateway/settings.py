"""The deployment's settings, read from the environment once, at the entry point."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.call import Capture
from gateway.domain.own_patterns import parse_patterns
from gateway.domain.redaction_kinds import DEFAULT, parse_names
from switchboard.domain.limits import MAX_ANSWER_BYTES, MAX_MESSAGES
from switchboard.domain.policy import Policy
from switchboard.domain.policy_json import PolicyInvalid, parse_policy
from switchboard.settings import positive, read_settings

_ALL = 100
MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is an environment variable of the same name in capitals. Times in the unit of their name.

    `dynamodb_endpoint`: empty for AWS's own. `provider_keys_path`: the Parameter Store path of stored keys; empty for
    environment variables. `provider_base_urls`: `name=url` pairs, comma-separated, for providers whose address depends
    on the account. `keyless_providers`: providers that need no key, comma-separated. `default_policy`: applies where
    call, task and project set nothing, as JSON (docs/policies.md). `hedge_budget_percent`: hedged requests for every
    hundred calls. `retry_budget_percent`: the same for retries of a target that failed the same call.
    `retry_backoff_ms`: the longest pause before the first such retry. `turn_look_ms`: how often a call of a
    conversation polls its turn's row. `max_answer_mb`: the largest answer that is not streamed. `max_messages`: of one
    request. `redact`: what is taken out of kept bodies and errors, by name; `redact_patterns`: the same by pattern, as
    JSON (docs/redaction.md).
    """

    table_name: str
    retention_days: int = 30
    capture: Capture = Capture.FULL
    private_provider_hosts: str = ""
    provider_base_urls: str = ""
    provider_keys_path: str = ""
    keyless_providers: str = ""
    dynamodb_endpoint: str = ""
    default_policy: Policy = field(default_factory=Policy)
    hedge_budget_percent: int = 5
    retry_budget_percent: int = 20
    retry_backoff_ms: int = 200
    turn_look_ms: int = 1000
    stall_timeout_ms: int = 60_000
    call_timeout_ms: int = 290_000
    max_answer_mb: int = MAX_ANSWER_BYTES // MB
    max_messages: int = MAX_MESSAGES
    redact: tuple[str, ...] = DEFAULT
    redact_patterns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings of an environment. Raises SettingsInvalid."""
        return read_settings(cls, environment, _READERS)

    def base_urls(self) -> dict[str, str]:
        """`provider_base_urls` by provider."""
        return _pairs(self.provider_base_urls)


def _percent(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _ALL):
        raise ValueError(f"must be a whole number from 0 to {_ALL}, not {text!r}")
    return int(text)


def _policy(text: str) -> Policy:
    try:
        return parse_policy(text)
    except PolicyInvalid as invalid:
        raise ValueError(f"is no policy. {invalid}") from None


def _capture(text: str) -> Capture:
    if text.upper() not in Capture.__members__:
        raise ValueError(f"must be full, metadata or none, not {text!r}")
    return Capture[text.upper()]


def _pairs(text: str) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in text.split(",") if entry.strip()]
    if wrong := [
        name for name, equals, url in pairs if not (equals and url.strip().startswith(("http://", "https://")))
    ]:
        raise ValueError(f"must be name=url pairs, comma-separated; not so: {', '.join(wrong)}")
    return {name.strip().lower(): url.strip() for name, _, url in pairs}


def _hosts(text: str) -> str:
    if wrong := [host.strip() for host in text.split(",") if re.search(r"[/@\s]", host.strip())]:
        raise ValueError(f"must be host or host:port, comma-separated; not so: {', '.join(wrong)}")
    return text


def _checked_pairs(text: str) -> str:
    _pairs(text)
    return text


_READERS = {
    "retention_days": positive,
    "capture": _capture,
    "private_provider_hosts": _hosts,
    "provider_base_urls": _checked_pairs,
    "default_policy": _policy,
    "hedge_budget_percent": _percent,
    "retry_budget_percent": _percent,
    "retry_backoff_ms": positive,
    "turn_look_ms": positive,
    "stall_timeout_ms": positive,
    "call_timeout_ms": positive,
    "max_answer_mb": positive,
    "max_messages": positive,
    "redact": parse_names,
    "redact_patterns": parse_patterns,
}
