"""Keeps a log line small, whatever a caller or a provider has put into it."""

import json

from pydantic_core import to_json

from switchboard.domain.limits import MAX_LINE_BYTES

_HEAD_BYTES = 512
"""Level, event, time, service and the platform's own fields."""
_SMALL_CHARACTERS = 64

type Fields = dict[str, object]


def fitted(fields: Fields) -> Fields:
    """The fields, the longest shortened until the line fits; `cut` names those that were."""
    most = MAX_LINE_BYTES - _HEAD_BYTES
    if _largest_size(fields) <= most:  # nearly every line
        return {**fields, "cut": None}
    kept, cut = dict(fields), dict[str, None]()
    while sum(sizes := [_size(value) for value in kept.values()]) > most:
        longest = list(kept)[sizes.index(max(sizes))]
        kept[longest] = _halved(kept[longest])
        cut[longest] = None
    return {**kept, "cut": list(cut) or None}


def _halved(value: object) -> object:
    """The first half of a text or a list; nothing in place of what has no halves."""
    if isinstance(value, str) and len(value) > _SMALL_CHARACTERS:
        return f"{value[: len(value) // 2]}…"
    if isinstance(value, list) and len(value) > 1:
        return value[: len(value) // 2]
    return None


def _largest_size(fields: Fields) -> int:
    """At least the line's size, by a quicker writer: it has two bytes or more where the line has an escape of six."""
    try:
        return 3 * len(to_json(fields, fallback=str))
    except ValueError:  # half of a surrogate pair
        return _size(fields)


def _size(value: object) -> int:
    # With every character that is not ASCII escaped: at least as long as in the line, whoever writes it.
    return len(json.dumps(value, default=str))
