import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.redaction_kinds import redactor
from gateway.domain.secret import Scrubber
from gateway.recording.scrubbed_bodies import scrubbed_bodies
from switchboard.domain.trace import Bodies
from switchboard.stream.transcript import assemble
from testkit.openai_events import DONE, chunk, role

CARDS = ["4111111111111111", "5555-5555-5555-4444", "3782 822463 10005"]
REDACTOR = redactor(("cards", "keys"), {})
WORDS = st.text(st.sampled_from('ab \\"{}[],:é🙂\n%&'), max_size=6)
TEXTS = st.lists(st.sampled_from(CARDS) | WORDS, max_size=6).map("".join)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(int(CARDS[0]))
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def _kept(bodies: Bodies) -> Bodies:
    return scrubbed_bodies(bodies, Scrubber(), REDACTOR, Counter())


def _shape(value: object) -> object:
    """The value without its texts and numbers."""
    if isinstance(value, dict):
        return [_shape(inner) for inner in value.values()]
    return [_shape(inner) for inner in value] if isinstance(value, list) else type(value) in (bool, type(None))


@given(VALUES, st.booleans())
def test_json_stays_json_of_the_same_shape_without_cards(value: object, ascii_only: bool) -> None:
    body = json.dumps({"value": value}, ensure_ascii=ascii_only).encode()
    kept = json.loads(_kept(Bodies(body, None)).request or b"", object_pairs_hook=lambda pairs: list(map(list, pairs)))
    original = json.loads(body, object_pairs_hook=lambda pairs: list(map(list, pairs)))
    assert _shape(kept) == _shape(original)
    assert not REDACTOR.marks(json.dumps(kept, ensure_ascii=False).encode())


@given(TEXTS, st.data())
def test_what_a_stream_spoke_has_no_card_however_it_was_split(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=len(text))))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    kept = _kept(Bodies(None, b"".join([role(), *map(chunk, parts), DONE]))).response or b""
    spoken = assemble(kept).completion()["choices"][0]["message"]["content"] or ""  # type: ignore[index]
    assert not REDACTOR.marks(spoken.encode())
    if not REDACTOR.marks(text.encode()):
        assert spoken == text


@given(TEXTS)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = REDACTOR.text(text, Counter())
    assert REDACTOR.text(once, Counter()) == once
