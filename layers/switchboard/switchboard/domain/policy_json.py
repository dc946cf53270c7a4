"""Policy ⇄ JSON: `read_policy(policy_json(policy)) == policy`; and what a call's headers say of the same."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from switchboard.domain.policy import BufferWords, FallbackTarget, HedgeAfter, Policy
from switchboard.domain.policy_fields import (
    MAX_ALLOWED_TARGETS,
    MAX_ATTEMPTS,
    MAX_FALLBACK_TARGETS,
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
    "MAX_POLICY_BYTES",
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
MAX_POLICY_BYTES = 16 * 1024
"""Of its text, as whoever wrote it has it."""

type Json = dict[str, Any]


class PolicyTooLarge(PolicyInvalid):
    """The text is longer than any policy."""

    def __init__(self) -> None:
        super().__init__(Problem("", f"A policy may have {MAX_POLICY_BYTES:,} bytes at most."))


@dataclass(frozen=True, slots=True)
class PolicyField:
    """A field of the form: the policy's attribute, and both ways between its value and JSON."""

    attribute: str
    read: Read[Any]
    write: Callable[[Any], object]


def parse_policy(content: str | bytes) -> Policy:
    """The policy that a JSON text spells. Raises PolicyInvalid, and PolicyTooLarge without reading it."""
    if len(content) > MAX_POLICY_BYTES:
        raise PolicyTooLarge
    try:
        value = json.loads(content, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        raise PolicyInvalid(Problem("", f"This is no JSON: {error.msg} in line {error.lineno}.")) from None
    except (ValueError, RecursionError):
        raise PolicyInvalid(Problem("", "This is no JSON, or none that is a policy.")) from None
    return read_policy(value)


def read_policy(value: object) -> Policy:
    """The policy that a JSON value spells. Raises PolicyInvalid with every problem; an unknown field is one."""
    return _policy(read_object(value, "", _READERS))


def read_stored_policy(value: object) -> Policy:
    """The policy of a JSON value that was kept by another version of this code: what it cannot read is passed over.

    Only a limit on where content may go is not: of that, what cannot be read allows nothing. A value that is no object
    may have held any limit, and is UNREADABLE.
    """
    if not isinstance(value, Mapping):
        return UNREADABLE
    read: Json = {}
    for name, inner in value.items():
        if name in POLICY_FIELDS and inner is not None:
            try:
                read[name] = POLICY_FIELDS[name].read(inner, name)
            except PolicyInvalid:
                read[name] = _salvaged(name, inner)
    return _policy(read)


def policy_json(policy: Policy) -> Json:
    """The JSON value that spells the policy; what it leaves to a wider one is left out."""
    values = {name: (field, getattr(policy, field.attribute)) for name, field in POLICY_FIELDS.items()}
    return {name: field.write(value) for name, (field, value) in values.items() if value is not None}


def read_fallback(text: str) -> tuple[FallbackTarget, ...]:
    """The targets of the header's text, `provider/model` with commas between. Raises PolicyInvalid."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    return read_entries(entries, FALLBACK_HEADER, read_target, MAX_FALLBACK_TARGETS)


def read_hedge_after(text: str) -> HedgeAfter:
    """The header's number of milliseconds, quantile (`p50` to `p99`), or 0 for never. Raises PolicyInvalid."""
    word = text.strip()
    is_number = word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS
    return read_hedge(int(word) if is_number else word, HEDGE_HEADER)


def _written_target(target: FallbackTarget) -> object:
    name = f"{target.provider}/{target.model}"
    if target.ttft_timeout_ms is None:
        return name
    return {"target": name, "ttft_timeout_ms": target.ttft_timeout_ms}


def _written_hedge(hedge: HedgeAfter) -> object:
    return f"p{round(hedge.quantile * 100)}" if hedge.quantile is not None else hedge.ms or 0


def _written_words(words: BufferWords) -> object:
    return {"text": words.text} | ({"after_ms": words.after_ms} if words.after_ms else {})


def _as_it_is(value: object) -> object:
    return value


def _written_targets(targets: tuple[FallbackTarget, ...]) -> object:
    return [_written_target(target) for target in targets]


_ENTRIES: dict[str, Read[Any]] = {"fallback": read_target, "allowed_targets": read_allowed_target}
_CLOSED = {"zero_retention": True, "allowed_targets": ()}

POLICY_FIELDS = {
    "provider": PolicyField("provider", read_provider, _as_it_is),
    "fallback": PolicyField("fallback", list_of(read_target, MAX_FALLBACK_TARGETS), _written_targets),
    "max_attempts": PolicyField("max_attempts", whole_number(MAX_ATTEMPTS), _as_it_is),
    "ttft_timeout_ms": PolicyField("ttft_timeout_ms", read_milliseconds, _as_it_is),
    "plan_timeout_ms": PolicyField("plan_timeout_ms", read_milliseconds, _as_it_is),
    "hedge_after_ms": PolicyField("hedge_after", read_hedge, _written_hedge),
    "buffer_words": PolicyField("buffer_words", read_buffer_words, _written_words),
    "zero_retention": PolicyField("zero_retention", read_flag, _as_it_is),
    "allowed_targets": PolicyField("allowed_targets", list_of(read_allowed_target, MAX_ALLOWED_TARGETS), list),
    "recognise_retries": PolicyField("recognises_retries", read_flag, _as_it_is),
}
UNREADABLE = Policy(zero_retention=True, allowed_targets=())
"""What holds in place of a policy that nobody can read."""

_READERS = {name: field.read for name, field in POLICY_FIELDS.items()}


def _policy(read: Json) -> Policy:
    return Policy(**{POLICY_FIELDS[name].attribute: value for name, value in read.items()})


def _salvaged(name: str, value: object) -> object:
    """What can be read of an unreadable value: a list's entries one by one, else nothing."""
    if name not in _ENTRIES or not isinstance(value, list):
        return _CLOSED.get(name)
    entries: list[object] = []
    for entry in value:
        with suppress(PolicyInvalid):
            entries.append(_ENTRIES[name](entry, name))
    return tuple(entries)


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose fields are each given once: of two, one would be without effect."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise PolicyInvalid(Problem(twice, f"`{twice}` is given more than once."))
    return found
