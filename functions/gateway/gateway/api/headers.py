"""Reads labels, route and keys from request headers; an error says which header, and what it must be."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway.api.credentials import (
    PREFIX,
    PROJECT_KEY_HEADERS,
    PROVIDER_KEY_PREFIX,
    UPSTREAM_HEADER_PREFIX,
    Headers,
    keys_by_provider,
    provider_key,
    upstream_headers,
)
from gateway.domain.call import Capture, Chat, Labels, Route
from gateway.domain.errors import HeaderMalformed
from gateway.domain.secret import Scrubber
from gateway.providers import table
from switchboard.domain.limits import (
    MAX_LABEL_CHARACTERS,
    MAX_METADATA_CHARACTERS,
    MAX_METADATA_ENTRIES,
    MAX_NOTED_NAMES,
    MAX_TTFT_TIMEOUT_MS,
)
from switchboard.domain.notes import note_names
from switchboard.domain.policy import FallbackTarget
from switchboard.domain.policy_json import PolicyInvalid, read_fallback, read_hedge_after

METADATA_PREFIX = "x-inference-metadata-"
EXTRA_BODY = "elevenlabs_extra_body"
EXTRA_PREFIX = "extra."
ZERO_RETENTION_HEADER = "x-inference-zero-retention"
CONVERSATION_HEADER = "x-inference-metadata-conversation-id"
NO_FALLBACK = "none"

_READ_ELSEWHERE = {
    *PROJECT_KEY_HEADERS,
    "x-inference-provider-url",
    "x-inference-provider-api-key",
    "x-inference-provider",
    "x-inference-environment",
    "x-inference-task-id",
    "x-inference-ttft-timeout-ms",
    "x-inference-hedge-after-ms",
    "x-inference-fallback",
    "x-inference-capture",
    ZERO_RETENTION_HEADER,
}
_NUMBER = re.compile("[0-9]{1,9}")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")


def read_labels(headers: Headers, ceiling: Capture, scrubber: Scrubber) -> Labels:
    """The call's labels, without its secrets. `ceiling`: the deployment's capture level. Raises HeaderMalformed."""
    is_zero_retention = _flag(headers, ZERO_RETENTION_HEADER)
    capture = Capture.NONE if is_zero_retention else min(ceiling, _capture(headers))
    return Labels(
        task_id=scrubber.text(_label(headers, "x-inference-task-id")),
        environment=scrubber.text(_label(headers, "x-inference-environment")),
        metadata={} if capture is Capture.NONE else _scrubbed(_metadata(headers), scrubber),
        conversation=_text(headers.get(CONVERSATION_HEADER, "")).strip() or None,
        capture=capture,
        is_zero_retention=is_zero_retention,
        notes=_ignored(headers, scrubber),
    )


def _ignored(headers: Headers, scrubber: Scrubber) -> tuple[str, ...]:
    notes: list[str] = []
    names = [scrubber.text(name) for name in sorted(set(headers)) if _is_unknown(name)]
    note_names(notes, "ignored header {}", names, "ignored {} more headers")
    return tuple(notes)


def with_extras(labels: Labels, chat: Chat, scrubber: Scrubber) -> Labels:
    """The labels with the scalars of ElevenLabs' extra body as metadata `extra.<key>`; the rest is noted."""
    extras = chat.others.get(EXTRA_BODY)
    if not isinstance(extras, dict) or labels.capture is Capture.NONE:
        return labels
    metadata, notes, not_kept = dict(labels.metadata), list(labels.notes), list[str]()
    for name, value in extras.items():
        key, text = EXTRA_PREFIX + name, _scalar(value)
        if text is not None and _has_room(metadata, key, text):
            metadata[scrubber.text(key)] = scrubber.text(text)
        else:
            not_kept.append(key)
    not_kept[:MAX_NOTED_NAMES] = map(scrubber.text, not_kept[:MAX_NOTED_NAMES])
    why = "no scalar, too long or too many"
    note_names(notes, f"kept no {{}} of {EXTRA_BODY}: {why}", not_kept, f"kept no {{}} more of {EXTRA_BODY}")
    return replace(labels, metadata=metadata, notes=tuple(notes))


def _scalar(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def _has_room(metadata: Mapping[str, str], key: str, text: str) -> bool:
    return len(metadata) < MAX_METADATA_ENTRIES and len(key) + len(text) <= MAX_METADATA_CHARACTERS


def read_route(headers: Headers) -> Route:
    """The routing that the caller asks for. Raises HeaderMalformed."""
    provider = headers.get("x-inference-provider", "").strip() or None
    if provider is not None and table.by_name(provider) is None:
        raise HeaderMalformed(
            f"x-inference-provider does not know this provider. Use one of: {', '.join(table.names())}.",
            param="x-inference-provider",
        )
    return Route(
        provider=provider,
        url=headers.get("x-inference-provider-url", "").strip() or None,
        key=provider_key(headers),
        keys=keys_by_provider(headers),
        upstream_headers=upstream_headers(headers),
        fallback=_policy_header(headers, "x-inference-fallback", _fallback),
        ttft_timeout_ms=_milliseconds(headers, "x-inference-ttft-timeout-ms"),
        hedge_after=_policy_header(headers, "x-inference-hedge-after-ms", read_hedge_after),
    )


def _text(value: str) -> str:
    """A header's text. Servers decode headers as Latin-1; callers (and API Gateway) send UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _label(headers: Headers, name: str) -> str:
    value = _text(headers.get(name, "")).strip()
    if len(value) > MAX_LABEL_CHARACTERS or _CONTROL_CHARACTERS.search(value):
        raise HeaderMalformed(f"{name} must be at most {MAX_LABEL_CHARACTERS} printable characters long.", param=name)
    return value or "default"


def _metadata(headers: Headers) -> dict[str, str]:
    found = {
        name.removeprefix(METADATA_PREFIX): _text(headers[name]) for name in headers if name.startswith(METADATA_PREFIX)
    }
    if len(found) > MAX_METADATA_ENTRIES:
        raise HeaderMalformed(f"Send at most {MAX_METADATA_ENTRIES} metadata headers.", param=f"{METADATA_PREFIX}*")
    for key, value in found.items():
        if not key or len(key) + len(value) > MAX_METADATA_CHARACTERS:
            raise HeaderMalformed(
                f"A metadata header needs a key, and key and value may have {MAX_METADATA_CHARACTERS} characters.",
                param=METADATA_PREFIX + key,
            )
    return found


def _scrubbed(metadata: Mapping[str, str], scrubber: Scrubber) -> dict[str, str]:
    return {scrubber.text(key): scrubber.text(value) for key, value in metadata.items()}


def _capture(headers: Headers) -> Capture:
    value = headers.get("x-inference-capture", "").strip().upper() or "FULL"
    if value not in Capture.__members__:
        raise HeaderMalformed("x-inference-capture must be full, metadata or none.", param="x-inference-capture")
    return Capture[value]


def _flag(headers: Headers, name: str) -> bool:
    value = headers.get(name, "").strip().lower()
    if value not in {"", "true", "false"}:
        raise HeaderMalformed(f"{name} must be true or false.", param=name)
    return value == "true"


def _policy_header[V](headers: Headers, name: str, read: Callable[[str], V]) -> V | None:
    """A policy field set for one call; None where the header is missing or blank."""
    text = headers.get(name, "").strip()
    if not text:
        return None
    try:
        return read(text)
    except PolicyInvalid as invalid:
        raise HeaderMalformed(str(invalid), param=name) from None


def _fallback(text: str) -> tuple[FallbackTarget, ...]:
    return () if text.lower() == NO_FALLBACK else read_fallback(text)


def _milliseconds(headers: Headers, name: str) -> int | None:
    value = headers.get(name, "").strip()
    if not value:
        return None
    if not (_NUMBER.fullmatch(value) and 0 < int(value) <= MAX_TTFT_TIMEOUT_MS):
        raise HeaderMalformed(f"{name} must be a whole number from 1 to {MAX_TTFT_TIMEOUT_MS}.", param=name)
    return int(value)


def _is_unknown(name: str) -> bool:
    if (
        not name.startswith(PREFIX)
        or name.startswith((METADATA_PREFIX, UPSTREAM_HEADER_PREFIX))
        or name in _READ_ELSEWHERE
    ):
        return False
    return table.by_name(name.removeprefix(PROVIDER_KEY_PREFIX)) is None
