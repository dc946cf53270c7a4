"""Reads keys, and headers for the provider, from request headers: all of them are secrets."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress

from gateway.domain.errors import HeaderMalformed
from gateway.domain.json_text import read_json
from gateway.domain.secret import Secret, secrets_in
from gateway.providers import table
from gateway.routing.provider_url import URL_HEADER
from switchboard.domain.keys import PREFIX as GATEWAY_KEY_PREFIX
from switchboard.domain.limits import MAX_SECRETS

type Headers = Mapping[str, str]
"""Names in lower case."""

PREFIX = "x-inference-"
"""Of every header that is the gateway's own."""
PROVIDER_KEY_HEADER = "x-inference-provider-api-key"
PROVIDER_KEY_PREFIX = "x-inference-key-"
PROJECT_KEY_HEADERS = ("x-inference-project-api-key", "x-inference-observability-api-key")
UPSTREAM_HEADER_PREFIX = "x-inference-upstream-header-"

_KEY_HEADERS = frozenset(
    {"authorization", PROVIDER_KEY_HEADER, *PROJECT_KEY_HEADERS, "api-key", "x-api-key", "x-goog-api-key"}
)
"""The last three are where providers take keys. They are not used here, but what they hold is a key."""

_UPSTREAM_HEADERS = frozenset(
    {"anthropic-beta", "openai-organization", "openai-project", "openai-beta", "http-referer", "x-title"}
    | {"ocp-apim-subscription-key", "x-goog-user-project", "x-ms-client-request-id", "x-request-id"}
)
_UPSTREAM_HEADER_PREFIXES = ("cf-aig-", "helicone-", "x-portkey-", "x-litellm-", "x-bf-", "x-inference-")
"""Headers of gateways through which providers are called: Cloudflare AI Gateway, Helicone, Portkey, LiteLLM, Bifrost,
another Switchboard."""

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_OTHER_SCHEME = re.compile(r"\s*+(?:basic|token|api-?key)\s++", re.IGNORECASE)
_KEY_NAME = re.compile("key|token|secret|auth|password|credential", re.IGNORECASE)
_SCHEMES = re.compile(r"(?:\s*+bearer\s++)*+", re.IGNORECASE)


def first_of(headers: Headers) -> dict[str, str]:
    """The headers with one value each, the first: a server's own mapping looks through all of them for each name."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        found.setdefault(name, value)
    return found


def gateway_key(headers: Headers) -> str | None:
    """The text of the caller's gateway key: from a header of its own, else from Authorization."""
    for name in PROJECT_KEY_HEADERS:
        if (value := headers.get(name)) and (own := without_scheme(value)):
            return own
    return without_scheme(headers.get("authorization", "")) or None


def provider_key(headers: Headers) -> Secret | None:
    """From a header of its own, else from Authorization if the gateway key is in another header.

    A gateway key in Authorization is never taken for a provider's: some callers send theirs in both headers.
    """
    text = without_scheme(headers.get(PROVIDER_KEY_HEADER, ""))
    if not text and any(headers.get(name, "").strip() for name in PROJECT_KEY_HEADERS):
        text = without_scheme(headers.get("authorization", ""))
        if text.startswith(GATEWAY_KEY_PREFIX) or text == gateway_key(headers):
            return None
    return _secret(text, PROVIDER_KEY_HEADER) if text else None


def keys_by_provider(headers: Headers) -> dict[str, Secret]:
    """The keys in `x-inference-key-<provider>` headers. Raises HeaderMalformed."""
    keys = {}
    for name in headers:
        if name.startswith(PROVIDER_KEY_PREFIX):
            provider, text = table.by_name(name.removeprefix(PROVIDER_KEY_PREFIX)), without_scheme(headers[name])
            if provider is not None and text:
                keys[provider.name] = _secret(text, name)
    return keys


def upstream_headers(headers: Headers) -> dict[str, Secret]:
    """The headers that the caller wants sent to the first target, by name. Raises HeaderMalformed."""
    found = {}
    for header in headers:
        if header.startswith(UPSTREAM_HEADER_PREFIX):
            name = header.removeprefix(UPSTREAM_HEADER_PREFIX)
            if not (name in _UPSTREAM_HEADERS or name.startswith(_UPSTREAM_HEADER_PREFIXES)):
                prefixes = [f"{prefix}*" for prefix in _UPSTREAM_HEADER_PREFIXES]
                allowed = ", ".join([*sorted(_UPSTREAM_HEADERS), *prefixes])
                raise HeaderMalformed(f"{header} is not sent on. Headers that are: {allowed}.", param=header)
            found[name] = _secret(headers[header].strip(), header)
    return found


def secrets_of(headers: Headers) -> tuple[Secret, ...]:
    """Every key in the headers, every header for the provider, and every value in the query of the provider's URL.

    None of them may be kept, logged or sent back. Of several headers of one name, each counts.
    """
    texts = {
        text
        for name, value in headers.items()
        if name in _KEY_HEADERS or name.startswith(PREFIX)
        for text in _secret_texts(name, value)
        if text
    }
    return tuple(Secret(text) for text in sorted(texts))


def refuse_too_many(secrets: tuple[Secret, ...]) -> None:
    """Refuse a call with more than MAX_SECRETS secrets. Raises HeaderMalformed."""
    if len(secrets) > MAX_SECRETS:
        raise HeaderMalformed(
            f"The call has {len(secrets)} keys, headers for the provider and values in the query of its URL: "
            f"send at most {MAX_SECRETS}."
        )


def _secret_texts(name: str, value: str) -> Iterator[str]:
    if name in _KEY_HEADERS or name.startswith(PROVIDER_KEY_PREFIX):
        yield from _keys_in(value)
    elif name.startswith(UPSTREAM_HEADER_PREFIX):
        yield value.strip()
        yield from _keys_in(value)
        if (scheme := _OTHER_SCHEME.match(value)) is not None:
            credentials = value[scheme.end() :].strip()
            yield credentials
            yield from _decoded(credentials)
        yield from _keys_of(_json(value))
    elif name == URL_HEADER:
        yield from (secret.reveal() for secret in secrets_in(value))


def _decoded(credentials: str) -> Iterator[str]:
    """What Basic authentication encodes: the user with the password, and the password alone."""
    with suppress(ValueError):
        decoded = b64decode(credentials, validate=True).decode()
        yield decoded
        yield decoded.partition(":")[2]


def _keys_in(value: str) -> Iterator[str]:
    """The key; and each of several, which API Gateway joins where headers have one name."""
    yield without_scheme(value)
    if "," in value:
        yield from map(without_scheme, value.split(","))


def _json(value: str) -> object:
    try:
        return read_json(value) if value.lstrip().startswith(("{", "[")) else None
    except ValueError:
        return None


def _keys_of(value: object, name: str = "") -> Iterator[str]:
    """The keys in a JSON value, such as Portkey's configuration, by their names."""
    if isinstance(value, dict):
        for inner_name, inner in value.items():
            yield from _keys_of(inner, inner_name)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys_of(inner, name)
    elif isinstance(value, str) and _KEY_NAME.search(name):
        yield without_scheme(value)


def without_scheme(value: str) -> str:
    """The key in a header's value: people paste `Bearer` in front of it, sometimes twice."""
    schemes = _SCHEMES.match(value)
    key = value[schemes.end() if schemes else 0 :].strip()
    return "" if key.lower() == "bearer" else key


def _secret(text: str, header: str) -> Secret:
    if _CONTROL_CHARACTERS.search(text) or not text.isascii():
        raise HeaderMalformed("The value has characters that neither a key nor a header may have.", param=header)
    return Secret(text)
