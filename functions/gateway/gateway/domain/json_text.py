"""The JSON of requests and answers: read leniently, written strictly; fields of unknown types are read by type."""

import json
import re
from collections.abc import Iterable, Mapping

from pydantic_core import from_json, to_json

from switchboard.domain.limits import MAX_LEVELS, MAX_TOKENS

_HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class NestedTooDeeply(ValueError):
    """The text is nested deeper than MAX_LEVELS."""


def read_json(text: bytes | str) -> object:
    """The value. Raises ValueError for text that is not JSON.

    NaN, Infinity and other encodings of Unicode are accepted, and half of a surrogate pair, which becomes U+FFFD; of
    equal keys the last counts. Nesting of more than MAX_LEVELS is refused.
    """
    try:
        return from_json(text)
    except (ValueError, TypeError):  # the fast parser refuses half of a surrogate pair and nesting of 200 levels
        return _read_slowly(text)


def read_json_object(text: bytes | str) -> dict[str, object]:
    """The object. Raises ValueError for any other value and for text that is not JSON."""
    value = read_json(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - callers treat it as they treat broken JSON
    return value


def read_json_strictly(text: bytes | str) -> tuple[object, bool]:
    """The value, and whether strict parsers read the text too: if not, it must be written anew. Raises ValueError."""
    try:
        return from_json(text, allow_inf_nan=False), True
    except (ValueError, TypeError):
        return read_json(text), False


def write_json(value: object) -> bytes:
    """The value in UTF-8, without spaces; NaN and Infinity as null, half of a surrogate pair as U+FFFD.

    A value that is nested over about 250 levels is written in ASCII.
    """
    try:
        return to_json(value, inf_nan_mode="null")
    except ValueError:
        plain = _without_oddities(value)
    try:
        return to_json(plain, inf_nan_mode="null")
    except ValueError:
        return json.dumps(plain).encode()


def quote_json(value: object) -> str:
    """The value as JSON in ASCII, for a sentence that a person reads."""
    return json.dumps(value)


def object_field(fields: Mapping[str, object], name: str) -> dict[str, object]:
    """The object under that name; empty where there is none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def text_field(fields: Mapping[str, object], name: str) -> str:
    """The text under that name; empty where there is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def count_field(fields: Mapping[str, object], name: str) -> int | None:
    """The count under that name; None where there is none, or a number that no count has."""
    value = fields.get(name)
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else None


def _read_slowly(text: bytes | str) -> object:
    try:
        value = _without_halves(json.loads(text))
    except RecursionError:
        raise NestedTooDeeply from None
    if _is_too_deep(value):
        raise NestedTooDeeply
    return value


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_LEVELS):
        level = [inner for outer in level for inner in _contents(outer)]
        if not level:
            return False
    return True


def _contents(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _without_halves(value: object) -> object:
    """The value with U+FFFD for each half of a surrogate pair; `json` alone walks values that are nested deeply."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(_HALF_OF_A_PAIR.sub(_REPLACEMENT, text)) if _HALF_OF_A_PAIR.search(text) else value


def _without_oddities(value: object) -> object:
    """The value with null for NaN and Infinity, and U+FFFD for each half of a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(_HALF_OF_A_PAIR.sub(_REPLACEMENT, text), parse_constant=lambda _: None)
