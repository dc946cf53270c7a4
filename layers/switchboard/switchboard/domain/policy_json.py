"""Policy ⇄ JSON: `read_policy(policy_json(policy)) == policy`; and the policy fields in a call's headers."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from switchboard.domain.limits import MAX_ALLOWED_TARGETS, MAX_ATTEMPTS, MAX_FALLBACK_TARGETS, MAX_POLICY_BYTES
from switchboard.domain.policy import BufferWords, FallbackTarget, HedgeAfter, Policy
from switchboard.domain.policy_fields import (
    PolicyInvalid,
    Problem,
    Read,
    list_of,
    read_allowed_target,
    read_buffer_words,
    read_entries,
    read_flag,
    read_hedge,
    read_milliseconds,
    read_object,
    read_provider,
    read_target,
    read_task_id,
    whole_number,
)

__all__ = [
    "POLICY_FIELDS",
    "UNREADABLE",
    "PolicyInvalid",
    "PolicyTooLarge",
    "Problem",
    "parse_policy",
    "policy_json",
    "read_fallback",
    "read_hedge_after",
    "read_policy",
    "read_stored_policy",
    "read_task_id",
]

FALLBACK_HEADER = "x-inference-fallback"
HEDGE_HEADER = "x-inference-hedge-after-ms"
MAX_DIGITS = 9

type Json = dict[str, Any]


class PolicyTooLarge(PolicyInvalid):
    """The text is longer than a policy may be."""

    def __init__(self) -> None:
        super().__init__(Problem("", f"A policy may have {MAX_POLICY_BYTES:,} bytes at most."))


@dataclass(frozen=True, slots=True)
class PolicyField:
    """A field of a policy: the attribute, and how its value is read from and written as JSON."""

    attribute: str
    read: Read[Any]
    write: Callable[[Any], object]


def parse_policy(content: str | bytes) -> Policy:
    """The policy in a JSON text. Raises PolicyInvalid, or PolicyTooLarge before parsing."""
    if len(content) > MAX_POLICY_BYTES:
        raise PolicyTooLarge
    try:
        value = json.loads(content, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise PolicyInvalid(Problem("", f"The policy is not valid JSON: {error.msg} in line {error.lineno}.")) from None
    except (ValueError, RecursionError):
        raise PolicyInvalid(Problem("", "The policy is not valid JSON, or is nested too deeply.")) from None
    return read_policy(value)


def read_policy(value: object) -> Policy:
    """The policy in a JSON value. Raises PolicyInvalid with every problem; an unknown field is a problem."""
    return _policy(read_object(value, "", _READERS))


def read_stored_policy(value: object) -> Policy:
    """The policy in a JSON value that another version may have stored: fields that cannot be read are skipped.

    The exception is a limit on where content may go: if it cannot be read, nothing is allowed. A value that is not an
    object may have held any limit, so it is UNREADABLE.
    """
    if not isinstance(value, Mapping):
        return UNREADABLE
    read: Json = {}
    for name, inner in value.items():
        if name in POLICY_FIELDS and inner is not None:
            try:
                read[name] = POLICY_FIELDS[name].read(inner, name)
            except PolicyInvalid:
                read[name] = _readable_part(name, inner)
    return _policy(read)


def policy_json(policy: Policy) -> Json:
    """The policy as a JSON value; fields that are None are left out."""
    values = {name: (field, getattr(policy, field.attribute)) for name, field in POLICY_FIELDS.items()}
    return {name: field.write(value) for name, (field, value) in values.items() if value is not None}


def read_fallback(text: str) -> tuple[FallbackTarget, ...]:
    """The targets in the header's text: `provider/model`, separated by commas. Raises PolicyInvalid."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    return read_entries(entries, FALLBACK_HEADER, read_target, MAX_FALLBACK_TARGETS)


def read_hedge_after(text: str) -> HedgeAfter:
    """The header's number of milliseconds, quantile (`p50` to `p99`), or 0 for no hedge. Raises PolicyInvalid."""
    word = text.strip()
    is_number = word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS
    return read_hedge(int(word) if is_number else word, HEDGE_HEADER)


def _json_of_target(target: FallbackTarget) -> object:
    name = f"{target.provider}/{target.model}"
    if target.ttft_timeout_ms is None:
        return name
    return {"target": name, "ttft_timeout_ms": target.ttft_timeout_ms}


def _json_of_hedge(hedge: HedgeAfter) -> object:
    return f"p{round(hedge.quantile * 100)}" if hedge.quantile is not None else hedge.ms or 0


def _json_of_words(words: BufferWords) -> object:
    return {"text": words.text} | ({"after_ms": words.after_ms} if words.after_ms else {})


def _unchanged(value: object) -> object:
    return value


def _json_of_targets(targets: tuple[FallbackTarget, ...]) -> object:
    return [_json_of_target(target) for target in targets]


_ENTRIES: dict[str, Read[Any]] = {"fallback": read_target, "allowed_targets": read_allowed_target}
_STRICTEST = {"zero_retention": True, "allowed_targets": ()}

POLICY_FIELDS = {
    "provider": PolicyField("provider", read_provider, _unchanged),
    "fallback": PolicyField("fallback", list_of(read_target, MAX_FALLBACK_TARGETS), _json_of_targets),
    "max_attempts": PolicyField("max_attempts", whole_number(MAX_ATTEMPTS), _unchanged),
    "ttft_timeout_ms": PolicyField("ttft_timeout_ms", read_milliseconds, _unchanged),
    "plan_timeout_ms": PolicyField("plan_timeout_ms", read_milliseconds, _unchanged),
    "hedge_after_ms": PolicyField("hedge_after", read_hedge, _json_of_hedge),
    "buffer_words": PolicyField("buffer_words", read_buffer_words, _json_of_words),
    "zero_retention": PolicyField("zero_retention", read_flag, _unchanged),
    "allowed_targets": PolicyField("allowed_targets", list_of(read_allowed_target, MAX_ALLOWED_TARGETS), list),
    "recognise_retries": PolicyField("recognises_retries", read_flag, _unchanged),
}
UNREADABLE = Policy(zero_retention=True, allowed_targets=())
"""Applies in place of a policy that cannot be read."""

_READERS = {name: field.read for name, field in POLICY_FIELDS.items()}


def _policy(read: Json) -> Policy:
    return Policy(**{POLICY_FIELDS[name].attribute: value for name, value in read.items()})


def _readable_part(name: str, value: object) -> object:
    """The readable part of an unreadable value: for a list, its readable entries; else the strictest value, if any."""
    if name not in _ENTRIES or not isinstance(value, list):
        return _STRICTEST.get(name)
    entries: list[object] = []
    for entry in value:
        with suppress(PolicyInvalid):
            entries.append(_ENTRIES[name](entry, name))
    return tuple(entries)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object, whose fields must be unique: a duplicate would be ignored silently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise PolicyInvalid(Problem(twice, f"`{twice}` is given more than once."))
    return found
