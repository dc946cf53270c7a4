"""What the systems that a call passed call it."""

from collections.abc import Mapping

from gateway.domain.attempt import Attempt
from switchboard.domain.limits import MAX_REQUEST_ID_CHARACTERS, clipped
from switchboard.domain.trace import RequestIds

PROVIDER_HEADERS = (
    "x-request-id",  # OpenAI, Azure OpenAI, Groq, xAI, Fireworks, Cerebras
    "request-id",  # Anthropic
    "apim-request-id",  # Azure
    "x-amzn-requestid",  # AWS
    "mistral-correlation-id",
    "x-ds-trace-id",  # DeepSeek
    "cf-ray",  # Cloudflare, and those behind it that have no id of their own: OpenRouter, Together
)
"""The headers in which providers tell an answer's id. Where there are several, the first one counts."""


def request_ids(platform: RequestIds, attempt: Attempt | None) -> RequestIds:
    """The ids of a call: those of the platform, and its provider's; `attempt`: the one that stands for the call."""
    return RequestIds(
        provider=None if attempt is None else _provider_id(attempt.response_headers),
        lambda_=_bounded(platform.lambda_),
        api_gateway=_bounded(platform.api_gateway),
    )


def _provider_id(headers: Mapping[str, str]) -> str | None:
    if not headers:  # of a call under way
        return None
    found = filter(None, map(headers.get, PROVIDER_HEADERS))
    return next(filter(None, map(_bounded, found)), None)


def _bounded(text: str | None) -> str | None:
    """The id as it is stored; None for what is no id: an empty text, or one with anything but printable ASCII."""
    if text is None or not (text := text.strip()) or not (text.isascii() and text.isprintable()):
        return None
    return clipped(text, MAX_REQUEST_ID_CHARACTERS)
