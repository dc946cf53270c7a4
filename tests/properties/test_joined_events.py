import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.recording.event_texts import events_of, spoken_texts, value_of
from gateway.recording.joined_events import joined_events
from testkit.openai_events import DONE, event

PARTS = st.text(st.sampled_from('ab1"\\\n é🙂{}[],:-'), max_size=4)
FIELDS = st.sampled_from(["content", "reasoning", "refusal"])


@st.composite
def _deltas(draw: st.DrawFn) -> bytes:
    """An event with one part of a text, at one of several places, and with more beside it now and then."""
    chunk: dict[str, object] = {"id": draw(st.sampled_from(["c-1", "c-1", "c-1", "c-2"]))}
    delta: dict[str, object] = {draw(FIELDS): draw(PARTS)}
    if draw(st.booleans()):
        delta["role"] = "assistant"
    chunk["choices"] = [{"index": draw(st.integers(0, 1)), "delta": delta}]
    if draw(st.integers(0, 5)) == 0:
        chunk["obfuscation"] = draw(st.text("abc1", max_size=6))
    return event(chunk)


@st.composite
def _odd(draw: st.DrawFn) -> bytes:
    raw = json.dumps({"choices": [{"index": 0, "delta": {"content": "a"}}]}, separators=(",", ":")).encode()
    return draw(
        st.sampled_from(
            [
                b": ping\n\n",
                b"data: " + raw.replace(b'"a"', b'"a\\"') + b"\n\n",
                b"data: " + raw.replace(b'"a"', b'"a","content":"b"') + b"\n\n",
                b"data: " + raw.replace(b'"a"', b'"\\x"') + b"\n\n",
                b"event: x\ndata: " + raw + b"\r\n\r\n",
                b"data: " + raw[:-4] + b"\n\n",
                DONE,
            ]
        )
    )


def _spoken(stream: bytes) -> dict[object, bytes]:
    values = [value_of(found.data) for found in events_of(stream)]
    texts = {path: b"".join(text.parts) for path, text in spoken_texts(values).items() if path[-1] != "role"}
    return {path: text for path, text in texts.items() if text}


@given(st.lists(_deltas(), max_size=12))
def test_the_texts_of_joined_events_are_those_of_the_stream(deltas: list[bytes]) -> None:
    stream = b"".join([*deltas, DONE])
    joined = joined_events(stream)
    assert len(events_of(joined)) <= len(events_of(stream))
    assert _spoken(joined) == _spoken(stream)


@given(st.lists(_deltas() | _odd(), max_size=12))
def test_where_all_joined_events_are_json_their_texts_are_those_of_the_stream(events: list[bytes]) -> None:
    stream = b"".join(events)
    joined = joined_events(stream)
    whole = [found for found in events_of(joined) if found.data is not None and found.data != b"[DONE]"]
    if all(value_of(found.data) for found in whole):
        assert _spoken(joined) == _spoken(stream)
