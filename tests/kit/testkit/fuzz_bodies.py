"""Bodies that are nearly right: a good one in which something has another type, size, depth or encoding."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

type Path = tuple[str | int, ...]

DEEPEST = 900
DEEP_TEXT = '{"a": ' + "[" * 400 + "]" * 400 + "}"
_DEEP = "deep levels: "

NUMBERS = st.sampled_from([0, -1, 1, 2**31, 2**53 + 1, 10**18, 10**400, 0.5, 1e300, float("nan"), float("inf")])
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "a",
        "<think>",
        "\x00",
        "\x1f\x7f",
        "\ud83c",
        "a\udc00b",
        "予約 🙂",
        "a" * 5000,
        DEEP_TEXT,
        '{"a": "\\ud800"}',
    ]
)
DEPTHS = st.sampled_from([10, 100, 250, 400, DEEPEST]).map(lambda levels: f"{_DEEP}{levels}")
STRANGE = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | DEPTHS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["", "type", "text", "id", "function", "name", "\ud800", "a b"]), inner, max_size=3
        )
    ),
    max_leaves=4,
)


def serialised(value: object) -> bytes:
    """The value's JSON as Python writes it, `NaN` and halves of surrogate pairs included; marks of depth as arrays."""
    text = json.dumps(value)
    for levels in (10, 100, 250, 400, DEEPEST):
        text = text.replace(f'"{_DEEP}{levels}"', "[" * levels + "]" * levels)
    return text.encode()


@st.composite
def nearly[V](draw: st.DrawFn, good: V, changes: int = 3) -> V:
    """The good value, some places of it changed, taken out, or added to."""
    value = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(0, changes))):
        places = list(_places(value))
        if places:
            value = _changed(draw, value, draw(st.sampled_from(places)))
    found: V = value
    return found


STRANGE_EVERYWHERE: tuple[object, ...] = (
    *(None, True, 10**18, 10**400, float("nan"), "", "\x00", "\ud83c", "<think>", [], {}, [{}], {"\ud800": 1}),
    *(f"{_DEEP}{DEEPEST}", '{"a": "\\ud800"}', '{"a": NaN}', DEEP_TEXT),
)


def each_place[V](good: V) -> Iterator[tuple[Path, V]]:
    """The good value once for every place in it and everything strange, which stands there instead."""
    for path in list(_places(good)):
        for strange in STRANGE_EVERYWHERE:
            value: Any = json.loads(json.dumps(good))
            holder = value
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = strange
            yield path, value


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """The bytes as they are (mostly), or cut off, with a byte changed, or in another encoding."""
    how = draw(st.sampled_from(["as it is"] * 6 + ["cut", "byte", "mark", "utf-16", "latin-1", "control"]))
    place = draw(st.integers(0, max(0, len(body) - 1)))
    before, after = body[:place], body[place:]
    return {
        "as it is": body,
        "cut": before,
        "byte": before + bytes([draw(st.integers(0, 255))]) + after[1:],
        "mark": b"\xef\xbb\xbf" + body,
        "utf-16": body.decode("utf-8", "replace").encode("utf-16"),
        "latin-1": body.replace(b"e", b"\xe9", 1),
        "control": before + b"\x00\n\r\x1b" + after,
    }[how]


def _places(value: object, path: Path = ()) -> Iterator[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, found in inner:
        yield (*path, key)
        yield from _places(found, (*path, key))


def _changed(draw: st.DrawFn, value: Any, path: Path) -> Any:
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    how = draw(st.sampled_from(["other", "other", "other", "none", "more"]))
    if how == "other":
        holder[path[-1]] = draw(STRANGE)
    elif how == "none":
        del holder[path[-1]]
    elif isinstance(holder, dict):
        holder[draw(st.sampled_from(["extra", "", "error", "usage", "tool_calls", "\ud800", "k" * 300]))] = draw(
            STRANGE
        )
    else:
        holder.append(draw(STRANGE))
    return value
