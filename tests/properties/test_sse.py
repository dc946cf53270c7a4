from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.stream.sse import Event, EventSplitter

LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
TEXTS = st.text(max_size=8).map(lambda text: text.replace("\r", "").replace("\n", "").encode("utf-8", "replace"))
LINES = st.one_of(
    TEXTS.map(lambda text: b"data: " + text),
    TEXTS.map(lambda text: b"data:" + text),
    TEXTS.map(lambda text: b": " + text),
    TEXTS,
    st.sampled_from([b"data", b"event: ping", b"id: 7", b"retry: 10", b"data: [DONE]", b"\xef\xbb\xbfdata: x"]),
    st.binary(max_size=6).map(lambda junk: junk.translate(None, b"\r\n")),
)
STREAMS = st.one_of(
    st.lists(st.tuples(LINES, LINE_ENDS, st.booleans()), max_size=12).map(
        lambda lines: b"".join(line + end * (1 + blank) for line, end, blank in lines)
    ),
    st.lists(st.sampled_from([b"\r", b"\n", b"d", b"data: x", b":"]), max_size=24).map(b"".join),
)


def _events(chunks: list[bytes]) -> list[Event]:
    splitter = EventSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    last = splitter.finish()
    return events if last is None else [*events, last]


def _cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(places)]


def _by_the_standard(stream: bytes) -> list[bytes]:
    """The data of every event, parsed line by line from the whole stream; the last event may lack its blank line."""
    lines = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    events: list[bytes] = []
    data: list[bytes] = []
    for line in [*lines, b""]:
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        if not line and data:
            events.append(b"\n".join(data))
            data = []
    return events


@settings(max_examples=200, deadline=None)
@given(STREAMS, st.lists(st.integers(0, 400), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    assert _events(_cut(stream, cuts)) == _events([stream])


@settings(max_examples=120, deadline=None)
@given(STREAMS)
def test_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert _events([bytes([byte]) for byte in stream]) == _events([stream])


@settings(max_examples=150, deadline=None)
@given(STREAMS)
def test_no_byte_is_lost_or_changed_except_final_line_ends(stream: bytes) -> None:
    raw = b"".join(event.raw for event in _events([stream]))
    stream = stream.removeprefix(b"\xef\xbb\xbf")  # a byte order mark is no part of the first event
    assert stream.startswith(raw)
    assert not stream[len(raw) :].strip(b"\r\n")


@settings(max_examples=200, deadline=None)
@given(STREAMS)
def test_the_data_is_what_the_standard_says(stream: bytes) -> None:
    assert [event.data for event in _events([stream]) if event.data is not None] == _by_the_standard(stream)
