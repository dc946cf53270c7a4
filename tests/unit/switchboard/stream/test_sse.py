import time
import tracemalloc

import pytest

from switchboard.domain.limits import MAX_EVENT_BYTES, MAX_EVENT_LINES
from switchboard.stream import sse
from switchboard.stream.sse import Event, EventSplitter


def _events(*chunks: bytes) -> list[Event]:
    splitter = EventSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    last = splitter.finish()
    return events if last is None else [*events, last]


def _data(*chunks: bytes) -> list[bytes | None]:
    return [event.data for event in _events(*chunks)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_end_at_a_blank_line_whatever_a_line_ends_with(end: bytes) -> None:
    first, second = b"data: one" + end * 2, b"data: two" + end * 2
    assert _events(first + second) == [Event(first, b"one"), Event(second, b"two")]


@pytest.mark.parametrize("blank", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\r\n\n", b"\n\r", b"\r\n\r", b"\r\r\n"])
def test_line_ends_may_be_mixed(blank: bytes) -> None:
    stream = b"data: one" + blank + b"data: two" + blank
    for cut in range(len(stream) + 1):
        assert _data(stream[:cut], stream[cut:]) == [b"one", b"two"]


def test_a_single_line_end_of_two_bytes_is_no_blank_line() -> None:
    stream = b"data: one\r\ndata: two\r\n\r\n"
    for cut in range(len(stream) + 1):
        assert _data(stream[:cut], stream[cut:]) == [b"one\ntwo"]


@pytest.mark.parametrize(
    ("lines", "data"),
    [
        (b"data: one", b"one"),
        (b"data:one", b"one"),
        (b"data:  one", b" one"),
        (b"data:\tone", b"\tone"),
        (b"data: one ", b"one "),
        (b"data: a: b", b"a: b"),
        (b"data:", b""),
        (b"data", b""),
        (b"data\ndata", b"\n"),
        (b"data: one\ndata:\ndata: two", b"one\n\ntwo"),
        (b"event: message\nid: 7\nretry: 10\ndata: one\nfoo: bar", b"one"),
        (b": keep-alive", None),
        (b":", None),
        (b": data: no", None),
        (b"event: ping", None),
        (b"database: one", None),
        (b" data: one", None),
        (b"DATA: one", None),
        (b": OPENROUTER PROCESSING\ndata: one", b"one"),
        ("data: für 予約 🙂\u2028\x0b\x85".encode(), "für 予約 🙂\u2028\x0b\x85".encode()),
        (b"data: \xff\xfe\x00", b"\xff\xfe\x00"),
    ],
)
def test_an_events_data_is_that_of_its_data_lines(lines: bytes, data: bytes | None) -> None:
    assert _events(lines + b"\n\n") == [Event(lines + b"\n\n", data)]


def test_a_byte_order_mark_is_left_out_at_the_beginning_only() -> None:
    mark = b"\xef\xbb\xbf"
    one, two = mark + b"data: one\n\n", mark + b"data: two\n\n"
    for cut in range(5):
        assert _events(one[:cut], one[cut:] + two) == [Event(b"data: one\n\n", b"one"), Event(two, None)]


def test_extra_blank_lines_give_events_without_data() -> None:
    assert _events(b"\n\n\n\ndata: one\n\n\ndata: two\n\n") == [
        Event(b"\n\n", None),
        Event(b"\n\n", None),
        Event(b"data: one\n\n", b"one"),
        Event(b"\ndata: two\n\n", b"two"),
    ]


def test_a_character_split_over_two_chunks_stays_intact() -> None:
    stream = "data: 🙂\n\n".encode()
    assert _data(*(bytes([byte]) for byte in stream)) == ["🙂".encode()]


def test_an_event_is_returned_as_soon_as_its_blank_line_arrives() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: one\n") == []
    assert splitter.feed(b"\nda") == [Event(b"data: one\n\n", b"one")]
    assert splitter.feed(b"ta: two\r\n\r") == []
    assert splitter.feed(b"\n") == [Event(b"data: two\r\n\r\n", b"two")]


def test_finish_returns_an_event_without_its_blank_line_once() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: one\n\ndata: [DONE]") == [Event(b"data: one\n\n", b"one")]
    assert splitter.finish() == Event(b"data: [DONE]", b"[DONE]")
    assert splitter.finish() is None


@pytest.mark.parametrize("rest", [b"", b"\n", b"\r", b"\r\n"])
def test_finish_ignores_line_ends_alone(rest: bytes) -> None:
    assert _data(b"data: one\n\n" + rest) == [b"one"]


@pytest.mark.parametrize("step", [1, 7, 90])
@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_an_event_that_is_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch, end: bytes, step: int) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    splitter = EventSplitter()
    stream = b"data: " + b"x" * 90 + end + b"data: " + b"y" * 250 + end + b"data: z" + end
    events = [event for at in range(0, len(stream), step) for event in splitter.feed(stream[at : at + step])]
    last = splitter.finish()  # a CR at the end may be the first half of a CR LF
    assert [event.data for event in [*events, last] if event is not None] == [b"x" * 90, b"z"]
    assert splitter.left_out == b"data: yyyyyyyyyy"


def test_an_event_without_end_takes_no_more_memory_than_the_longest() -> None:
    splitter = EventSplitter()
    tracemalloc.start()
    try:
        for _ in range(64):
            assert splitter.feed(b"y" * 1024 * 1024) == []
        assert splitter.finish() is None
        assert tracemalloc.get_traced_memory()[1] < 2.5 * MAX_EVENT_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("is_ended", [True, False])
def test_an_event_of_too_many_lines_is_left_out(*, line_end: bytes, is_ended: bool) -> None:
    splitter = EventSplitter()
    events = splitter.feed((b"data: x" + line_end) * (MAX_EVENT_LINES + 1) + line_end * is_ended)
    assert events == []
    assert splitter.finish() is None
    assert splitter.left_out is not None


def test_a_chunk_of_many_events_is_not_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    assert len(EventSplitter().feed(b"data: x\n\n" * 1000)) == 1000


def test_the_work_is_linear_in_the_bytes() -> None:
    assert _seconds([b"data: " + b"x" * 90 + b"\n\n"] * 20_000) < 2
    assert _seconds([b"data: " + b"x" * 90 + b"\n\n" * 20_000]) < 2
    assert _seconds([b"data: ", *[b"x" * 64] * 60_000, b"\n\n"]) < 2, "one event of 4 MB in small chunks"
    assert _seconds([b"\r" * 50_000, b"\n" * 50_000]) < 2


def _seconds(chunks: list[bytes]) -> float:
    start = time.process_time()
    assert _events(*chunks)
    return time.process_time() - start


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"event: error\ndata: x\n\n", True),
        (b"event:error\r\ndata: x\r\n\r\n", True),
        (b"data: x\revent: error\r\r", True),
        (b"event: error", True),
        (b": a comment\nevent: error \ndata: x\n\n", True),
        (b"event: errors\ndata: x\n\n", False),
        (b"event: no error\ndata: x\n\n", False),
        (b"data: event: error\n\n", False),
        (b'data: {"content": "\\nevent: error\\n"}\n\n', False),
        (b"event: message\ndata: error\n\n", False),
    ],
)
def test_an_error_is_told_by_the_name_of_its_event(raw: bytes, expected: bool) -> None:
    [event] = [*(splitter := EventSplitter()).feed(raw), *filter(None, [splitter.finish()])]
    assert event.is_error is expected
