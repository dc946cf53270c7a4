import gc
import json
import time
from collections.abc import Callable

import pytest

from gateway.domain.secret import Scrubber, Secret
from gateway.recording.scrubbed_bodies import scrubbed_bodies
from switchboard.domain.trace import Bodies
from testkit.openai_events import DONE, chunk, event, finish, tool_call, usage

KEY = "sk-canary-9c41e7"
SCRUBBER = Scrubber([Secret(KEY)])


def _kept(stream: bytes) -> bytes:
    kept = scrubbed_bodies(Bodies(b"{}", stream), SCRUBBER).response
    assert kept is not None
    return kept


def _choices(stream: bytes) -> list[dict[str, object]]:
    events = [line[6:] for line in stream.splitlines() if line.startswith(b"data: {")]
    return [choice for data in events for choice in json.loads(data)["choices"]]


def test_bodies_that_are_not_kept_stay_out() -> None:
    assert scrubbed_bodies(Bodies(), SCRUBBER) == Bodies()


def test_a_stream_without_a_secret_stays_as_it_is_byte_for_byte() -> None:
    stream = (
        b": hello\r\n\r\n" + chunk("sk-can") + b"data: nonsense\n\n" + chunk("didate") + finish() + DONE + b"data: {"
    )
    assert _kept(stream) == stream


def test_events_that_spoke_a_secret_together_lose_it_and_the_others_stay() -> None:
    before, after = b"event: x\nid: 1\n" + chunk("It is "), [chunk(", yes"), usage(1, 2), finish(), DONE]
    kept = _kept(b"".join([before, chunk("sk-ca"), chunk("nary-"), chunk("9c41e7!"), *after]))
    assert kept.startswith(before)
    assert kept.endswith(b"".join(after))
    texts = [choice["delta"]["content"] for choice in _choices(kept) if choice["delta"]]  # type: ignore[index]
    assert texts == ["It is ", "***", "", "!", ", yes"]


def test_an_event_that_is_written_anew_keeps_its_other_lines() -> None:
    kept = _kept(b"event: x\nid: 1\n" + chunk("sk-canary") + chunk("-9c41e7"))
    assert kept.startswith(b"event: x\nid: 1\ndata: {")


def test_texts_are_joined_within_their_choice_their_tool_call_and_their_field() -> None:
    def said(index: int, **delta: object) -> bytes:
        return event({"choices": [{"index": index, "delta": delta}]})

    parts = [(KEY[:5], "x"), (KEY[5:], "y")]
    for first, second in parts:
        assert _kept(said(0, content=first) + said(1, content=second)) == said(0, content=first) + said(
            1, content=second
        )
    interleaved = [
        said(0, content="sk-can"),
        said(1, content="a "),
        said(0, reasoning="b"),
        said(0, content="ary-9c41e7"),
    ]
    assert b"ary-9c41e7" not in _kept(b"".join(interleaved))
    calls = [tool_call("sk-can", index=0), tool_call("{}", index=1), tool_call("ary-9c41e7", index=0)]
    assert b"ary-9c41e7" not in _kept(b"".join(calls))
    details = [said(0, reasoning_details=[{"index": 0, "text": part}]) for part in ("sk-can", "ary-9c41e7")]
    assert b"ary-9c41e7" not in _kept(b"".join(details))
    swapped = event(
        {"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "sk-can"}}]}
    )
    assert b"ary-9c41e7" not in _kept(swapped + said(0, content="ary-9c41e7"))


def test_an_unusual_stream_is_scrubbed_as_bytes() -> None:
    deep = b'data: {"choices":' + b"[" * 5000 + b"]" * 5000 + b"}\n\n"
    odd = b'data: {"choices":[{"index":[],"delta":[[["sk-canary-9c41e7"]]]}, 1, null]}\n\n'
    long = b"data: " + b"x" * (17 * 1024 * 1024)
    for stream in (deep, odd, long, b"\xff\xfe" + odd, b"sk-canary-9c41e7", b""):
        kept = _kept(stream + b"sk-canary-9c41e7")
        assert KEY.encode() not in kept
        assert kept.startswith(stream.replace(KEY.encode(), b"***"))


def test_the_end_of_a_stream_that_was_cut_within_a_secret_is_kept_without_its_beginning() -> None:
    kept = _kept(chunk("It is sk-ca") + chunk("nary-9c"))
    assert [choice["delta"]["content"] for choice in _choices(kept)] == ["It is ***", ""]  # type: ignore[index]


def _cpu_s(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


SAID = {
    "words": lambda count: [chunk(f"word {number}") for number in range(count)],
    "keys": lambda count: [chunk(part) for _ in range(count // 2) for part in (KEY[:5], KEY[5:])],
    "letters of keys": lambda count: [chunk(KEY[number % len(KEY)]) for number in range(count)],
    "choices": lambda count: [event({"choices": [{"index": n, "delta": {"content": KEY[:9]}}]}) for n in range(count)],
}


@pytest.mark.alone
@pytest.mark.parametrize("said", SAID.values(), ids=SAID.keys())
def test_the_work_grows_with_the_stream(said: Callable[[int], list[bytes]]) -> None:
    short, long = (b"".join(said(count)) for count in (250, 1000))
    gc.disable()
    try:
        assert _cpu_s(lambda: _kept(long)) <= 6 * _cpu_s(lambda: _kept(short))
    finally:
        gc.enable()
