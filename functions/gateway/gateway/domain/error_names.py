"""A provider's own names for an error, as facts: unlike its sentence they repeat nothing of the call's content."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from switchboard.domain.limits import MAX_ERROR_NAME_CHARACTERS
from switchboard.stream.provider_errors import InBandError

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_PARAM = re.compile(r"[A-Za-z0-9_.\[\]-]+")
"""OpenAI's `param` is a path, such as `messages[1].content`."""

_OUT_OF_QUOTA = re.compile(
    r"insufficient_(?:quota|balance|credits?|funds).*|exceeded_current_quota_error|credit_balance_\w+|billing_\w+"
    r"|(?:\w+_)?spend_limit_exceeded|(?:organization_)?usage_limit_exceeded|budget_exceeded"
    r"|arrearage|accountoverdueerror|1113|3036",
    re.IGNORECASE,
)
"""OpenAI, Moonshot, Anthropic; LiteLLM; Alibaba, Volcengine, Z.AI (1113), Cloudflare (3036: the day's free calls).

A rate limit is over in a moment: `rate_limit_exceeded`, `token_quota_exceeded`, Google's `RESOURCE_EXHAUSTED`.
"""
_ABOUT_THE_KEY = frozenset(
    {"401", "403", "invalid_api_key", "invalid_authentication", "invalid_authentication_error", "authentication_error"}
    | {"permission_error", "permission_denied", "unauthorized", "unauthenticated", "forbidden", "access_denied"}
)
"""Names of OpenAI, Anthropic, Google and others, and statuses that gateways such as OpenRouter put into an answer."""
_ERROR_STATUS = re.compile(r"[45]\d\d")
_SLIPS = frozenset({"tool_use_failed", "json_validate_failed", "output_parse_failed"})
"""Groq."""


@dataclass(frozen=True, slots=True)
class ErrorNames:
    """The provider's `code`, `type` and `param` of an error, each None where it gave none or no mere name."""

    code: str | None = None
    type: str | None = None
    param: str | None = None

    def __str__(self) -> str:
        named = {"code": self.code, "type": self.type, "param": self.param}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)

    @property
    def status(self) -> int | None:
        """The HTTP status that the code is, as OpenRouter and Google have it; else None."""
        return int(self.code) if self.code is not None and _ERROR_STATUS.fullmatch(self.code) else None

    @property
    def is_out_of_quota(self) -> bool:
        """Whether the provider's account has nothing left to spend: no pause helps."""
        return any(_OUT_OF_QUOTA.fullmatch(name) for name in self._lower())

    @property
    def is_slip(self) -> bool:
        """Whether the model wrote something that the provider cannot read: it may do better the next time."""
        return any(name in _SLIPS for name in self._lower())

    @property
    def is_about_the_key(self) -> bool:
        """Whether the error is about the key that the provider was sent."""
        return any(name in _ABOUT_THE_KEY for name in self._lower())

    def _lower(self) -> list[str]:
        return [name.lower() for name in (self.code, self.type) if name is not None]


NO_NAMES = ErrorNames()


def error_names(error: InBandError, scrub: Callable[[str], str]) -> ErrorNames:
    """The names that an error has. `scrub` removes the call's secrets from a text."""

    def cleaned(name: str | None, allowed: re.Pattern[str]) -> str | None:
        text = "" if name is None else scrub(name)
        return text[:MAX_ERROR_NAME_CHARACTERS] if allowed.fullmatch(text) else None

    return ErrorNames(cleaned(error.code, _NAME), cleaned(error.kind, _NAME), cleaned(error.param, _PARAM))
