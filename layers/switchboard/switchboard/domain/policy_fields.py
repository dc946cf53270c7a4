"""Reads the fields of a policy as users write them; an invalid one is refused with a sentence on how to fix it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from switchboard.domain.limits import (
    MAX_BUFFER_WORDS_CHARACTERS,
    MAX_POLICY_MODEL_CHARACTERS,
    MAX_POLICY_MS,
    MAX_TASK_CHARACTERS,
    clipped,
)
from switchboard.domain.policy import BufferWords, FallbackTarget, HedgeAfter
from switchboard.domain.provider_names import PROVIDER_NAMES, provider_named

_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_NO_NAME = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_QUANTILE = re.compile("p([5-9][0-9])")

type Read[T] = Callable[[object, str], T]
"""Reads a value; the name is used in error messages. Raises PolicyInvalid."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, as a sentence for the user. `field` is empty for the policy as a whole."""

    field: str
    sentence: str


class PolicyInvalid(Exception):
    """The policy is invalid; carries every problem, not only the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = problems


def read_object(value: object, field: str, form: Mapping[str, Read[Any]]) -> dict[str, Any]:
    """The values of an object's fields, by name; null counts as absent, and an unknown field is a problem."""
    if not isinstance(value, dict):
        raise _invalid(field, f"{f'`{field}`' if field else 'A policy'} must be a JSON object.")
    read: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, inner in value.items():
        path = f"{field}.{name}" if field else name
        if name not in form:
            known = ", ".join(f"`{known}`" for known in form)
            problems.append(Problem(clipped(path), f"There is no field {_shown(path)}. There are {known}."))
        elif inner is not None:
            try:
                read[name] = form[name](inner, path)
            except PolicyInvalid as invalid:
                problems += invalid.problems
    if problems:
        raise PolicyInvalid(*problems)
    return read


def read_entries[T](values: Sequence[object], field: str, read: Read[T], most: int) -> tuple[T, ...]:
    """A list's entries, at most `most`; `field[0]` names the first one."""
    if len(values) > most:
        raise _invalid(field, f"`{field}` may have {most} entries at most, and has {len(values)}.")
    entries: list[T] = []
    problems: list[Problem] = []
    for number, value in enumerate(values):
        try:
            entries.append(read(value, f"{field}[{number}]"))
        except PolicyInvalid as invalid:
            problems += invalid.problems
    if problems:
        raise PolicyInvalid(*problems)
    return tuple(entries)


def list_of[T](read: Read[T], most: int) -> Read[tuple[T, ...]]:
    """A reader of lists of at most `most` entries."""

    def read_list(value: object, field: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _invalid(field, f"`{field}` must be a list.")
        return read_entries(value, field, read, most)

    return read_list


def whole_number(most: int) -> Read[int]:
    """A reader of whole numbers from 1 to `most`."""

    def read(value: object, field: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise _invalid(field, f"`{field}` must be a whole number from 1 to {most}.")
        return value

    return read


read_milliseconds = whole_number(MAX_POLICY_MS)


def read_flag(value: object, field: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _invalid(field, f"`{field}` must be true or false.")
    return value


def read_provider(value: object, field: str) -> str:
    """A known provider's name, as spelled in `PROVIDER_NAMES`."""
    name = provider_named(value) if isinstance(value, str) else None
    if name is None:
        raise _invalid(field, f"`{field}` must name a provider. {_KNOWN_PROVIDERS}")
    return name


def read_target(value: object, field: str) -> FallbackTarget:
    """A target: `provider/model`, or an object with the target and its own deadline."""
    if isinstance(value, dict):
        read = read_object(value, field, {"target": read_target_name, "ttft_timeout_ms": read_milliseconds})
        if "target" not in read:
            raise _invalid(f"{field}.target", f"`{field}.target` is missing: it must be `provider/model`.")
        provider, model = read["target"]
        return FallbackTarget(provider, model, read.get("ttft_timeout_ms"))
    return FallbackTarget(*read_target_name(value, field))


def read_target_name(value: object, field: str) -> tuple[str, str]:
    """Provider and model of `provider/model`; slashes after the first belong to the model."""
    name, slash, model = (value if isinstance(value, str) else "").partition("/")
    provider, model = provider_named(name), model.strip()
    if not slash or provider is None:
        raise _invalid(field, f"`{field}` is {_shown(value)}, and must be `provider/model`. {_KNOWN_PROVIDERS}")
    if not 1 <= len(model) <= MAX_POLICY_MODEL_CHARACTERS or not model.isprintable():
        raise _invalid(
            field, f"`{field}` must name a model of 1 to {MAX_POLICY_MODEL_CHARACTERS} characters after the slash."
        )
    return provider, model


def read_allowed_target(value: object, field: str) -> str:
    """`provider`, which allows all of its models, `provider/model`, or a host name: whatever is called there."""
    if isinstance(value, str) and _HOST_NAME.fullmatch(value.strip().lower()):
        return value.strip().lower()
    if isinstance(value, str) and "/" not in value:
        return read_provider(value, field)
    return "/".join(read_target_name(value, field))


def read_hedge(value: object, field: str) -> HedgeAfter:
    """A number of milliseconds, a quantile like `p95`, or 0 for never."""
    if value == 0 and isinstance(value, int) and not isinstance(value, bool):
        return HedgeAfter()
    if isinstance(value, str) and (quantile := _QUANTILE.fullmatch(value.strip())):
        return HedgeAfter(quantile=int(quantile[1]) / 100)
    try:
        return HedgeAfter(ms=read_milliseconds(value, field))
    except PolicyInvalid:
        raise _invalid(
            field,
            f"`{field}` must be a whole number of milliseconds from 1 to {MAX_POLICY_MS}, "
            "`p50` to `p99`, or 0 (never).",
        ) from None


def read_buffer_words(value: object, field: str) -> BufferWords:
    """The words and the delay before they are sent; if the text is empty, the delay may be left out."""
    read = read_object(value, field, {"text": _read_words, "after_ms": read_milliseconds})
    if missing := [name for name in ("text", "after_ms") if name not in read and read.get("text") != ""]:
        raise PolicyInvalid(*(Problem(f"{field}.{name}", f"`{field}.{name}` is missing.") for name in missing))
    return BufferWords(read["text"], read.get("after_ms", 0))


def read_task_id(text: str) -> str:
    """A task's name, if a call can have it. Raises PolicyInvalid."""
    if text.strip() != text or not 1 <= len(text) <= MAX_TASK_CHARACTERS or _NO_NAME.search(text):
        raise _invalid(
            "task_id",
            f"A task's name has 1 to {MAX_TASK_CHARACTERS} printable characters, and no space at its ends.",
        )
    return text


def _read_words(value: object, field: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_BUFFER_WORDS_CHARACTERS or not value.isprintable():
        raise _invalid(
            field, f"`{field}` must be a text of at most {MAX_BUFFER_WORDS_CHARACTERS} printable characters."
        )
    return value.strip()


_KNOWN_PROVIDERS = f"There are {', '.join(sorted(PROVIDER_NAMES))}."


def _invalid(field: str, sentence: str) -> PolicyInvalid:
    return PolicyInvalid(Problem(field, sentence))


def _shown(value: object) -> str:
    return f"`{clipped(value)}`" if isinstance(value, str) else "not a string"
