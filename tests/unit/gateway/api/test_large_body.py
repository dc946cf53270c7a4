"""Large bodies: read as small ones are, in slices, and refused early where there is too much in them."""

import asyncio
import gc
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api import large_body
from gateway.api.body import parse_chat, read_chat
from gateway.domain.call import Chat
from gateway.domain.errors import BodyMalformed
from gateway.domain.large import LARGE_FROM_COMMAS, beside_the_loop
from switchboard.domain.limits import MAX_MESSAGES, MAX_VALUES
from testkit.running_gateway import chat, running_gateway


@contextmanager
def in_slices() -> Iterator[None]:
    """Every body counts as a large one."""
    with patch("gateway.api.body.is_large", lambda _body: True):
        yield


@pytest.fixture
def _in_slices() -> Iterator[None]:
    with in_slices():
        yield


def of_messages(number: int, message: bytes = b"{}") -> bytes:
    """A body with that many messages."""
    return b'{"model": "m", "messages": [' + b",".join([message] * number) + b"]}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(fields=st.dictionaries(st.text(max_size=8), json_values, max_size=4), indent=st.sampled_from([None, 1]))
def test_a_large_body_is_read_as_a_small_one(fields: dict[str, Any], indent: int | None) -> None:
    body = json.dumps(fields | {"model": "m", "messages": [{"role": "user"}]}, indent=indent).encode()
    with in_slices():
        assert asyncio.run(parse_chat(body)) == read_chat(body)


@pytest.mark.parametrize(
    "text",
    [
        r'"model": "m", "messages": [{"role": "user", "content": "Hi \ud83c"}], "a\udc00": "\ud800 \ud83c\udf63"',
        r'"model": "m", "messages": [], "stream": true, "stream_options": {"include_usage": true}',
        '"model": "m", "messages": [ ] , "empty" : { } , "a" : [ [ ] , 1e5 , -0.5 , "a,\\"[{" ] ',
        '"model": "m", "messages": [], "model": "n"',
        '"model": "Köln", "messages": []',
        f'"model": "m", "messages": [], "deep": {"[" * 900}{"]" * 900}',
    ],
)
@pytest.mark.usefixtures("_in_slices")
async def test_odd_large_bodies_are_read_as_small_ones(text: str) -> None:
    assert await parse_chat(b"{%b}" % text.encode()) == read_chat(b"{%b}" % text.encode())


async def _refusal(body: bytes, **options: int) -> BodyMalformed:
    with pytest.raises(BodyMalformed) as refused:
        await parse_chat(body, **options)
    return refused.value


@pytest.mark.parametrize(
    "text",
    [
        '"model": "m", "messages": [1]',
        '"model": "m", "messages": [{"role": 1}]',
        '"model": "m", "messages": {}',
        '"messages": []',
        '"model": "m", "messages": [], "a": NaN',
        '"model": "m", "messages": [], "stream": 1',
        f'"model": "m", "messages": [], "deep": {"[" * 1002}{"]" * 1002}',
        f'"model": "m", "messages": [], "deep": {"[" * 100_000}',
    ],
)
@pytest.mark.usefixtures("_in_slices")
async def test_a_large_body_is_refused_as_a_small_one(text: str) -> None:
    with pytest.raises(BodyMalformed) as small:
        read_chat(b"{%b}" % text.encode())
    found = await _refusal(b"{%b}" % text.encode())
    assert (found.message, found.param) == (small.value.message, small.value.param)


@pytest.mark.parametrize(
    "text", ['"a": [1,]', '"a": 1,', '"a" 1', "a: 1", '1: "a"', '"a": [1', '"a": "', '"a": 01', '"a": tru', '"a": 1} x']
)
@pytest.mark.usefixtures("_in_slices")
async def test_a_large_body_that_is_not_json_is_refused(text: str) -> None:
    assert (await _refusal(b"{%b}" % text.encode())).message.startswith("The body is not JSON: ")


@pytest.mark.usefixtures("_in_slices")
async def test_a_large_text_that_is_no_object_is_refused() -> None:
    assert (await _refusal(b"[1, 2]")).message == "The body must be a JSON object."


async def test_a_body_whose_commas_are_in_its_texts_is_read() -> None:
    prompt = '1,2,"3",\\' * 500_000
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}]}).encode()
    assert (await parse_chat(body)).messages[0]["content"] == prompt


@pytest.mark.parametrize("number", [MAX_MESSAGES + 1, MAX_VALUES - 1, 1_900_000])
async def test_too_many_messages_are_refused(number: int) -> None:
    refused = await _refusal(of_messages(number))
    assert refused.param == "messages"
    assert "100,000" in refused.message


@pytest.mark.parametrize("body", [of_messages(4), of_messages(20_000)])
async def test_the_number_of_messages_is_a_setting(body: bytes) -> None:
    assert (await _refusal(body, max_messages=3)).message == "`messages` has more than 3 entries. Send fewer."
    assert await parse_chat(body, max_messages=20_000)


async def test_as_many_messages_as_are_allowed_are_read() -> None:
    found = await parse_chat(of_messages(MAX_MESSAGES, b'{"role": "user", "content": "a"}'))
    assert len(found.messages) == MAX_MESSAGES
    assert found.messages[-1] == {"role": "user", "content": "a"}


async def test_too_many_values_elsewhere_are_refused() -> None:
    for text in ('"x": [' + "1," * MAX_VALUES + "1]", '"messages": [{"content": [' + "{}," * MAX_VALUES + "{}]}]"):
        assert "more than 500,000 values" in (await _refusal(b"{%b}" % text.encode())).message


async def test_wrong_messages_are_not_all_listed() -> None:
    began = time.process_time()
    refused = await _refusal(b'{"model": "m", "messages": [' + b"1," * 9000 + b"1]}")
    assert refused.message == "`messages.0` is wrong: input should be an object."
    assert time.process_time() - began < 1.0


async def test_other_calls_go_on_while_a_large_body_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_body, "SLICE_S", 0.0)
    reading = asyncio.create_task(parse_chat(of_messages(50_000)))
    turns = 0
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 3
    assert isinstance(await reading, Chat)


async def _slowest_slice_s(body: bytes) -> tuple[float, float]:
    """The CPU time of the reading, and of its longest slice."""
    reading = asyncio.create_task(parse_chat(body))
    slices = []
    began = time.process_time()
    while not reading.done():
        await asyncio.sleep(0)
        now = time.process_time()
        slices.append(now - began)
        began = now
    with pytest.raises(BodyMalformed):
        await reading
    return sum(slices), max(slices)


@pytest.mark.alone
@pytest.mark.parametrize("number", [MAX_MESSAGES + 1, 1_900_000])
async def test_too_many_messages_take_a_second_at_most_in_short_slices(number: int) -> None:
    gc.disable()
    try:
        found = [await _slowest_slice_s(of_messages(number)) for _ in range(5)]
    finally:
        gc.enable()
    assert min(total for total, _ in found) < 1.0
    assert min(slowest for _, slowest in found) <= 0.020


async def test_work_on_a_large_body_runs_in_another_thread() -> None:
    here = threading.current_thread()
    assert await beside_the_loop(b"{}", threading.current_thread) is here
    assert await beside_the_loop(b"," * LARGE_FROM_COMMAS, threading.current_thread) is not here


async def test_a_call_with_too_many_messages_has_a_trace() -> None:
    async with running_gateway(max_messages="2") as gateway:
        response = await gateway.call(chat(messages=[{}] * 3))
        trace = await gateway.trace()
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "messages"
    assert trace.failure is not None
    assert trace.failure.code == "body_malformed"
