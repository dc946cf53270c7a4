"""Any body is the same after being split, stored and joined."""

import json

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.trace import Bodies
from switchboard.store.traces import body_items
from switchboard.store.traces.bodies import Piece, split_request

LONG = st.sampled_from(["x" * 1200, 'é\n"\\ \u2028' * 300, "\ud800 escaped" * 120])
SPACE = st.text(" \t\n\r", max_size=3)
content = st.text(max_size=10) | LONG | st.none() | st.lists(st.text(max_size=5), max_size=2)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", ""]), "content": content}
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | LONG,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3) | message,
    max_leaves=8,
)
members = st.lists(
    st.tuples(st.just("messages"), st.lists(message | anything, max_size=5) | anything)
    | st.tuples(st.just("tools"), anything)
    | st.tuples(st.text(max_size=8), anything),
    max_size=6,
)


@st.composite
def json_bodies(draw: st.DrawFn) -> bytes:
    """Objects with any whitespace, duplicate names, escapes or plain UTF-8."""
    ascii_only = draw(st.booleans())
    separators = (draw(SPACE) + "," + draw(SPACE), draw(SPACE) + ":" + draw(SPACE))
    parts = [
        json.dumps(name) + separators[1] + json.dumps(value, ensure_ascii=ascii_only, separators=separators)
        for name, value in draw(members)
    ]
    text = draw(SPACE) + "{" + draw(SPACE) + separators[0].join(parts) + draw(SPACE) + "}" + draw(SPACE)
    return text.encode("utf-8", "surrogatepass")


@st.composite
def broken_bodies(draw: st.DrawFn) -> bytes:
    """The same, with a stretch of it replaced by any bytes."""
    body = draw(json_bodies())
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 20)))
    return body[:start] + draw(st.binary(max_size=4)) + body[end:]


bodies = json_bodies() | broken_bodies() | st.binary(max_size=50)


@given(bodies)
def test_the_joined_pieces_are_the_body(body: bytes) -> None:
    pieces = split_request(body)
    assert b"".join(piece.content for piece in pieces) == body
    assert all(piece.content for piece in pieces) or pieces == (Piece(b""),)


@given(json_bodies())
def test_a_shared_piece_is_a_whole_value(body: bytes) -> None:
    for piece in split_request(body):
        if piece.is_shared:
            json.loads(piece.content)
            assert piece.content == piece.content.strip()


@given(st.none() | bodies, st.none() | st.binary(max_size=2000))
def test_bodies_round_trip_through_items(request: bytes | None, response: bytes | None) -> None:
    pieces = () if request is None else split_request(request)
    blobs = {f"digest {number}": piece.content for number, piece in enumerate(pieces) if piece.is_shared}
    outline: body_items.Outline | None = None
    if request is not None:
        outline = [f"digest {n}" if piece.is_shared else len(piece.content) for n, piece in enumerate(pieces)]
    inline = b"".join(piece.content for piece in pieces if not piece.is_shared)
    items = body_items.to_items("acme", "x", outline=outline, inline=inline, response=response, expires_at=1)
    assert body_items.from_items(items, blobs.get) == Bodies(request, response)
