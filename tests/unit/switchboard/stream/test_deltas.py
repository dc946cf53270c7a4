import json
from typing import Any

import pytest

from switchboard.stream.deltas import ChoiceDelta, Delta, ToolCallDelta, read_chunk, read_completion
from switchboard.stream.provider_errors import InBandError, read_error
from testkit.openai_events import completion


def _chunk(body: object) -> Delta:
    return read_chunk(json.dumps(body).encode())


def _choice(delta: object, **others: object) -> ChoiceDelta:
    (choice,) = _chunk({"choices": [{"index": 0, "delta": delta, **others}]}).choices
    return choice


def test_a_chunk_is_read() -> None:
    chunk = _chunk(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 1, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}],
            "usage": None,
            "obfuscation": "x7",
        }
    )
    assert chunk == Delta((ChoiceDelta(1, "Hi"),), None, None, "chatcmpl-1", "gpt-4o-2024-08-06")
    assert chunk.is_useful
    assert not chunk.is_usage_only


@pytest.mark.parametrize(
    ("delta", "useful"),
    [
        ({"content": "a"}, True),
        ({"content": " \n"}, False),
        ({"refusal": "I cannot."}, True),
        ({"tool_calls": [{"index": 0, "function": {"name": "end_call", "arguments": ""}}]}, True),
        ({"function_call": {"name": "end_call", "arguments": ""}}, True),
        ({"content": [{"type": "text", "text": "a"}]}, True),
        ({"role": "assistant"}, False),
        ({"role": "assistant", "content": ""}, False),
        ({"content": None}, False),
        ({"content": []}, False),
        ({"content": 7}, False),
        ({"tool_calls": []}, False),
        ({"tool_calls": None}, False),
        ({"tool_calls": ["x"]}, False),
        ({"reasoning_content": "hm"}, False),
        ({"reasoning": "hm"}, False),
        ({}, False),
        (None, False),
        ("text", False),
    ],
)
def test_text_refusals_and_tool_calls_are_useful(delta: object, useful: bool) -> None:
    assert _choice(delta).is_useful is useful


def test_reasoning_is_not_text() -> None:
    assert _choice({"reasoning_content": "hm"}) == ChoiceDelta(reasoning="hm")
    assert _choice({"reasoning": "hm", "content": ""}) == ChoiceDelta(reasoning="hm")


def test_a_choice_without_an_index_is_the_first() -> None:
    chunk = _chunk({"choices": [{"delta": {"content": "a"}}, {"index": None, "delta": {"content": "b"}}]})
    assert [(choice.index, choice.text) for choice in chunk.choices] == [(0, "a"), (0, "b")]


def test_tool_calls_without_an_index_are_numbered() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "a", "arguments": '{"x":'}},
        "no call",
        {"index": 5, "function": {"arguments": "1}"}},
        {"id": None, "function": None},
        {"index": "one"},
    ]
    assert _choice({"tool_calls": calls}).tool_calls == (
        ToolCallDelta(0, "c1", "a", '{"x":'),
        ToolCallDelta(5, None, None, "1}"),
        ToolCallDelta(3),
        ToolCallDelta(4),
    )


def test_the_older_way_to_call_a_function_is_a_tool_call() -> None:
    call = {"name": "end_call", "arguments": "{}"}
    assert _choice({"function_call": call}).tool_calls == (ToolCallDelta(0, None, "end_call", "{}"),)


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter"])
def test_the_finish_reason_is_passed_unchanged(reason: str) -> None:
    assert _choice({}, finish_reason=reason).finish_reason == reason
    assert _choice({}, finish_reason="").finish_reason is None


@pytest.mark.parametrize(
    ("body", "usage", "only"),
    [
        ({"choices": [], "usage": {"prompt_tokens": 1}}, {"prompt_tokens": 1}, True),
        ({"usage": {"prompt_tokens": 1}}, {"prompt_tokens": 1}, True),
        ({"choices": [], "x_groq": {"usage": {"prompt_tokens": 1}}}, {"prompt_tokens": 1}, True),
        ({"choices": [], "usage": None, "x_groq": {"usage": {"prompt_tokens": 1}}}, {"prompt_tokens": 1}, True),
        ({"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": 1}}, {"prompt_tokens": 1}, False),
        ({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"a": 1}}, {"a": 1}, False),
        ({"choices": [], "usage": None}, None, False),
        ({"choices": [], "usage": {}}, None, False),
        ({"choices": [], "usage": "many"}, None, False),
        ({"choices": [], "x_groq": {"id": "r"}}, None, False),
        ({"choices": [], "x_groq": None}, None, False),
        ({"choices": [], "prompt_filter_results": []}, None, False),
    ],
)
def test_usage_is_found_in_every_shape(body: dict[str, Any], usage: object, only: bool) -> None:
    chunk = _chunk(body)
    assert (chunk.usage or None) == usage
    assert chunk.is_usage_only is only


@pytest.mark.parametrize(
    "body",
    [
        {"choices": None},
        {"choices": {}},
        {"choices": "none"},
        {"choices": [None, 1, "x", []]},
        {"choices": [], "prompt_filter_results": [{}]},
        {},
        {"error": None, "errors": []},
        {"error": {}},
        {"id": 7, "model": None},
    ],
)
def test_a_chunk_without_content_is_empty(body: object) -> None:
    assert _chunk(body) == Delta()


@pytest.mark.parametrize(
    "data",
    [b"", b"[DONE]", b"[]", b"null", b"1", b'"x"', b"{", b'{"a":1}x', b"\xff", b"[" * 100_000, b'{"a":' * 100_000],
)
def test_anything_but_a_json_object_is_a_value_error(data: bytes) -> None:
    for read in (read_chunk, read_completion):
        with pytest.raises(ValueError):  # noqa: PT011 — json's own errors are among them
            read(data)


def test_a_whole_completion_is_one_delta() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "end_call", "arguments": "{}"}}
    read = read_completion(json.dumps(completion("Bye", finish_reason="tool_calls", tool_calls=[call])).encode())
    assert read.choices == (
        ChoiceDelta(text="Bye", tool_calls=(ToolCallDelta(0, "c1", "end_call", "{}"),), finish_reason="tool_calls"),
    )
    assert read.usage == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert read.completion_id == "chatcmpl-scripted"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"message": "slow down", "type": "limit", "code": None}}, InBandError("slow down", None, "limit")),
        ({"error": {"message": "slow down", "code": "rate_limited"}}, InBandError("slow down", "rate_limited")),
        ({"error": {"message": "slow down", "code": 429}}, InBandError("slow down", "429")),
        ({"error": "slow down"}, InBandError("slow down")),
        ({"error": {"reason": "x"}}, InBandError('{"reason": "x"}')),
        ({"error": True, "message": "slow down"}, InBandError("slow down")),
        ({"error": {"message": "slow down"}, "choices": []}, InBandError("slow down")),
        ({"errors": [{"code": 5006, "message": "Bad input"}], "success": False}, InBandError("Bad input", "5006")),
        ({"object": "error", "message": "slow down", "code": 400}, InBandError("slow down", "400")),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
         InBandError("Overloaded", None, "overloaded_error")),
    ],
)  # fmt: skip
def test_an_error_within_a_stream_is_found_in_every_shape(body: object, error: InBandError) -> None:
    chunk = _chunk(body)
    assert chunk.error == error
    assert not chunk.is_usage_only
    assert read_error(json.dumps(body).encode()) == error


def test_a_message_field_alone_is_no_error_within_a_stream() -> None:
    assert _chunk({"choices": [], "message": "hello"}).error is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            b'[{"error": {"code": 400, "message": "Unknown name", "status": "INVALID"}}]',
            InBandError("Unknown name", "400", "INVALID"),
        ),
        (b'{"object": "error", "message": {"detail": [{"msg": "x"}]}}', InBandError("x")),
        (b'{"message": "Unauthorized"}', InBandError("Unauthorized")),
        (b'{"detail": "Not Found"}', InBandError("Not Found")),
        (b"<html>502</html>", InBandError("<html>502</html>")),
        (b"  oops \n", InBandError("oops")),
        (b"", InBandError("no body")),
        (b"\xff\xfe", InBandError("\ufffd\ufffd")),
        (b"[]", InBandError("[]")),
        (b"null", InBandError("null")),
        (b'"text"', InBandError('"text"')),
        (b"x" * 600, InBandError("x" * 600)),
        (b"[" * 100_000, InBandError("[" * 100_000)),
    ],
)
def test_every_error_body_gives_a_message(body: bytes, error: InBandError) -> None:
    assert read_error(body) == error


ODD = [
    (b'data: {"error": {"message": "bad", "code": "x"}}\n\n', InBandError("bad", "x")),
    (b'event: error\r\ndata: {"message": "bad"}\r\n\r\ndata: [DONE]\r\n\r\n', InBandError("bad")),
    (b"data: bad", InBandError("data: bad")),
    (b'{"error": [{"message": "bad", "code": 7}]}', InBandError("bad", "7")),
    (b'{"code": 1302, "msg": "slow down"}', InBandError("slow down", "1302")),
    (b'{"title": "Bad input", "status": 400}', InBandError("Bad input", None, "400")),
    (b'{"base_resp": {"status_code": 1004, "status_msg": "login fail"}}', InBandError("login fail", "1004")),
]


@pytest.mark.parametrize(("body", "error"), ODD)
def test_errors_of_odd_shapes_are_read(body: bytes, error: InBandError) -> None:
    assert read_error(body) == error


@pytest.mark.parametrize(
    "body", [{"code": 1302, "msg": "slow"}, {"base_resp": {"status_code": 1, "status_msg": "slow"}}]
)
@pytest.mark.parametrize("choices", [{}, {"choices": None}, {"choices": []}])
def test_an_answer_without_choices_says_why(body: dict[str, object], choices: dict[str, object]) -> None:
    found = read_completion(json.dumps(body | choices).encode()).error
    assert found is not None
    assert found.message == "slow"


FILLERS: list[dict[str, object]] = [
    {"error": None, "message": "ok"},
    {"error": {}},
    {"error": {"code": 0, "message": ""}},
    {"error": "", "errors": []},
    {"error": False},
    {"base_resp": {"status_code": 0, "status_msg": "success"}},
    {"code": 0, "message": "Success", "msg": "ok"},
]


@pytest.mark.parametrize("filler", FILLERS)
def test_an_error_that_says_nothing_is_none_beside_an_answer(filler: dict[str, object]) -> None:
    assert read_completion(json.dumps(completion("Hi") | filler).encode()).error is None
    found = _chunk({"choices": [{"index": 0, "delta": {"content": "Hi"}}], **filler})
    assert (found.error, found.choices[0].text) == (None, "Hi")
