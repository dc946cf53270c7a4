"""The work for one call grows no faster than what is sent: four times as much costs at most six times as much CPU."""

import gc
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from testkit.fuzz_bodies import serialised
from testkit.fuzz_checks import Asked, Said
from testkit.fuzz_gateway import GOOD_STREAM, FuzzedGateway, routed
from testkit.openai_events import DONE, chunk, event, finish, tool_call

pytestmark = pytest.mark.alone

FACTOR, MOST = 4, 6
RUNS = 5

type Call = tuple[Asked, Said]


def cpu_s(gateway: FuzzedGateway, call: Call) -> float:
    """The least CPU time of a few runs, without garbage collections, whose time is not the call's."""
    took = []
    gc.disable()
    try:
        for _ in range(RUNS):
            began = time.process_time()
            gateway.call(*call)
            took.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(took)


def asking(row: str = "openai", model: str = "m", **fields: Any) -> Asked:
    """A request with those fields."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello?"}]} | fields
    return Asked(serialised(body), tuple(routed(row).items()))


def round_of(number: int, call_id: Callable[[int], str]) -> list[dict[str, Any]]:
    """That many tool calls and their results."""
    calls = [
        {"id": call_id(place), "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for place in range(number)
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "1"} for call in calls]
    return [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": calls}, *results]


def parts(number: int) -> Asked:
    return asking("anthropic", messages=[{"role": "user", "content": [{"type": "text", "text": "a"}] * number}])


def names(number: int) -> dict[str, Any]:
    return {f"field_{place}": 1 for place in range(number)}


_USER: list[dict[str, Any]] = [{"role": "user", "content": "a"}]


def _late(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results behind something that the user says."""
    return messages[:2] + _USER + messages[2:]


def _tool(name: object) -> dict[str, Any]:
    return {"type": "function", "function": {"name": f"f{name}", "parameters": {"type": "object"}}}


def _schema(number: int) -> dict[str, Any]:
    properties = {name: {"type": "string", "minLength": 1} for name in names(number)}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}


def _empty_lists(number: int) -> dict[str, Any]:
    return {name: [] for name in names(number)}


def _calls_of_one_id(row: str, number: int) -> Asked:
    return asking(row, messages=round_of(number, lambda _: "call"))


REQUESTS: dict[str, tuple[int, Callable[[int], Asked]]] = {
    "messages": (2000, lambda n: asking(messages=[{"role": "user", "content": "a"}] * n)),
    "messages without anything": (2000, lambda n: asking(messages=[{}] * n)),
    "turns to native Claude": (2000, lambda n: asking("anthropic", messages=[{"role": "user", "content": "a"}] * n)),
    "parts of a message": (2000, parts),
    "tools": (1000, lambda n: asking("anthropic", tools=[_tool(place) for place in range(n)])),
    "tool calls to native Claude": (1000, lambda n: asking("anthropic", messages=round_of(n, lambda p: f"call_{p}"))),
    "tool calls of one id to native Claude": (
        500,
        lambda n: asking("anthropic", messages=round_of(n, lambda _: "call")),
    ),
    **{
        f"tool calls of one id to {row}": (500, partial(_calls_of_one_id, row))
        for row in ("openai", "mistral", "google", "openrouter", "groq")
    },
    "late results": (500, lambda n: asking("mistral", messages=_late(round_of(n, lambda p: f"call_{p}")))),
    "calls without results": (500, lambda n: asking("mistral", messages=round_of(n, lambda p: f"c{p}")[:2] + _USER)),
    "results without calls": (1000, lambda n: asking("mistral", messages=_USER + round_of(n, lambda p: f"c{p}")[2:])),
    "later system messages": (
        1000,
        lambda n: asking("generic", "qwen", messages=[*_USER, *[{"role": "system", "content": "a"}] * n]),
    ),
    "tools of one odd name": (1000, lambda n: asking("anthropic", tools=[_tool("a b")] * n)),
    "empty lists": (1500, lambda n: asking(**_empty_lists(n))),
    "properties of a schema": (1000, lambda n: asking("anthropic", "claude-sonnet-4-5", response_format=_schema(n))),
    "tool calls to Mistral": (1000, lambda n: asking("mistral", messages=round_of(n, lambda p: f"call_{p}"))),
    "unknown fields": (1500, lambda n: asking(**names(n))),
    "unknown fields of a message": (1500, lambda n: asking(messages=[{"role": "user", "content": "a"} | names(n)])),
    "extra body": (1500, lambda n: asking(elevenlabs_extra_body=names(n))),
    "as many messages as there may be": (25_000, lambda n: asking("generic", messages=[{}] * n)),
    "30,000 unknown fields": (7500, lambda n: asking(**names(n))),
    "one long text": (500_000, lambda n: asking(messages=[{"role": "user", "content": "a" * n}])),
}


def streamed(*pieces: bytes) -> Said:
    """A stream in one piece."""
    return Said((b"".join([*pieces, finish(), DONE]),))


def reasoning(number: int) -> Said:
    return streamed(*[chunk("Hm. ")] * number, chunk("</think>Ja."))


ANSWERS: dict[str, tuple[int, str, Callable[[int], Said]]] = {
    "chunks": (1000, "m", lambda n: streamed(*[chunk("a")] * n)),
    "reasoning that is held back": (1000, "deepseek-r1", reasoning),
    "parts of one tool call": (
        1000,
        "m",
        lambda n: streamed(tool_call("", name="f", call_id="c"), *[tool_call("1")] * n),
    ),
    "tool calls": (
        2000,
        "m",
        lambda n: streamed(*[tool_call("{}", name="f", call_id=f"c{p}", index=p) for p in range(n)]),
    ),
    "tool calls without an index": (1500, "m", lambda n: streamed(*[_without_index(place) for place in range(n)])),
    "tool calls of one index": (
        2000,
        "m",
        lambda n: streamed(*[tool_call("{}", name="f", call_id=f"c{p}") for p in range(n)]),
    ),
    "choices": (500, "m", lambda n: streamed(*[_choice(place) for place in range(n)])),
    "finish reasons": (2000, "m", lambda n: streamed(chunk("a"), *[finish(f"reason {place}") for place in range(n)])),
    "comments": (2000, "m", lambda n: streamed(b": keep-alive\n\n" * n, chunk("a"))),
    "events that are no JSON": (1000, "m", lambda n: streamed(b"data: {brok\n\n" * n, chunk("a"))),
    "lines of one event": (2000, "m", lambda n: streamed(b"data: \n" * n + b"\n", chunk("a"))),
    "small pieces": (2000, "m", lambda n: Said(tuple(bytes([byte]) for byte in chunk("a" * n) + finish() + DONE))),
}


def _call(place: int, index: int) -> bytes:
    return tool_call("{}", name="f", call_id=f"c{place}", index=index)


def _without_index(place: int) -> bytes:
    call = {"id": f"c{place}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})


def _choice(place: int) -> bytes:
    return event({"choices": [{"index": place, "delta": {"content": "a"}}]})


@pytest.mark.parametrize("what", REQUESTS)
def test_a_request_of_many(gateway: FuzzedGateway, what: str) -> None:
    number, request = REQUESTS[what]
    few = cpu_s(gateway, (request(number), GOOD_STREAM))
    many = cpu_s(gateway, (request(FACTOR * number), GOOD_STREAM))
    assert many <= MOST * few


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_of_many(gateway: FuzzedGateway, what: str) -> None:
    number, model, answer = ANSWERS[what]
    asked = asking("generic", model)
    few = cpu_s(gateway, (asked, answer(number)))
    many = cpu_s(gateway, (asked, answer(FACTOR * number)))
    assert many <= MOST * few
