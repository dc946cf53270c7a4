import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.answers import answer_json
from console.body_json import is_event_stream, request_value, response_value
from switchboard.stream import sse
from testkit import openai_events as events

STREAM = events.role() + events.chunk("Hel") + events.chunk("lo") + events.finish() + events.usage(3, 2) + events.DONE


def test_a_request_is_its_json() -> None:
    assert request_value(b'{"model": "m", "messages": []}') == {"model": "m", "messages": []}


def test_a_body_that_was_not_stored_is_null() -> None:
    assert request_value(None) is None
    assert response_value(None, streamed=True) is None
    assert response_value(b"", streamed=True) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"hello", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 100_000, b"1" * 10_000, b"\xff\xfe\xfd"],
    ids=["empty", "cut", "text", "nan", "infinity", "deep", "long", "binary"],
)
def test_a_body_that_is_not_json_is_shown_as_text(body: bytes) -> None:
    assert request_value(body) == body.decode("utf-8", "replace")
    if body:
        assert response_value(body, streamed=False) == body.decode("utf-8", "replace")


@given(st.binary())
def test_any_bytes_become_something_that_can_be_shown(body: bytes) -> None:
    values = [request_value(body), response_value(body, streamed=True), response_value(body, streamed=False)]
    assert json.loads(bytes(answer_json(values).body)) == values


def test_a_lone_surrogate_stays_an_escape() -> None:
    body = b'{"content": "\\ud83d \xe2\x82\xac"}'
    shown = bytes(answer_json(request_value(body)).body)
    assert shown == b'{"content":"\\ud83d \xe2\x82\xac"}'
    assert json.loads(shown) == json.loads(body)


def test_a_stream_is_shown_as_its_assembled_completion() -> None:
    shown = response_value(STREAM, streamed=True)
    assert isinstance(shown, dict)
    assert shown["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    ]
    assert shown["usage"] == events.usage_object(3, 2)
    assert shown["created"] == events.CREATED_S


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [{"index": 0, "delta": {"content": '"created": 17'}}]},
        {"created": "17", "choices": []},
        {"created": 1.7, "choices": []},
        {"created": None, "choices": []},
    ],
)
def test_a_stream_that_does_not_tell_when_it_began_is_shown_without(chunk: dict[str, object]) -> None:
    shown = response_value(events.event(chunk), streamed=True)
    assert isinstance(shown, dict)
    assert "created" not in shown


def test_a_stream_with_an_endless_event_is_shown_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    body = b"data: " + b"x" * 200
    assert response_value(body, streamed=True) == body.decode()


def test_an_error_in_place_of_a_stream_is_json() -> None:
    assert response_value(b'{"error": {"message": "no"}}', streamed=True) == {"error": {"message": "no"}}


@pytest.mark.parametrize("begin", [b"data: x", b": keep-alive", b"event: a", b"\xef\xbb\xbf\r\n\r\nid: 1", b"retry:5"])
def test_a_stream_is_recognised_by_its_beginning(begin: bytes) -> None:
    assert is_event_stream(begin, streamed=True)
    assert not is_event_stream(begin, streamed=False)


@pytest.mark.parametrize("begin", [b"", b"{", b"dat: x", b'"data: x"', b"\n\n", b"<html>"])
def test_other_bodies_are_not_taken_for_a_stream(begin: bytes) -> None:
    assert not is_event_stream(begin, streamed=True)
