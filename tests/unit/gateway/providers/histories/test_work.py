"""The work of a repair grows with the size of the history alone."""

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain.call import Chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory

USER = {"role": "user", "content": "Is Monday free?"}


def calling(call_id: str | None, name: str = "look_up") -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def result(call_id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "yes"}


HISTORIES: dict[str, Callable[[int], list[dict[str, Any]]]] = {
    "text": lambda size: [USER, {"role": "assistant", "content": "Yes."}] * (size // 2),
    "calls of one id": lambda size: [calling("a")] * size,
    "calls of one id in one message": lambda size: [calling("a") | {"tool_calls": calling("a")["tool_calls"] * size}],
    "calls without an id": lambda size: [calling(None), *(calling(f"call_{i}") for i in range(size))],
    "late results": lambda size: [*(calling(f"c{i}") for i in range(size)), *(result(f"c{i}") for i in range(size))],
    "results without a call": lambda size: [result(f"c{i}") for i in range(size)],
    "odd names": lambda size: [calling(f"c{i}", f"name.{i}") for i in range(size)],
    "names that become one": lambda size: [
        calling(f"c{i}", "".join(".:;!"[i >> n & 3] for n in range(0, 14, 2))) for i in range(size)
    ],
    "empty messages": lambda size: [{"role": "assistant", "content": ""}] * size,
    "system messages": lambda size: [USER, {"role": "system", "content": "x"}] * (size // 2),
    "unknown fields": lambda size: [USER | {f"field_{i}": 1} for i in range(size)],
    "images": lambda size: [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{i}"}}] * 4}
        for i in range(size // 4)
    ],
}


def cpu_s(key: str, messages: tuple[dict[str, Any], ...], runs: int = 5) -> float:
    row, chat = table.by_dialect(key), Chat("mistral-7b", messages, True, False, {})
    best = float("inf")
    gc.disable()  # a collection goes through the heap of the whole test process, whose size is not the repair's
    try:
        for _ in range(runs):
            start = time.process_time()
            row.encode(chat, chat.model, SignatureMemory(Clock()))
            best = min(best, time.process_time() - start)
    finally:
        gc.enable()
    return best


@pytest.mark.alone
@pytest.mark.parametrize("key", ["anthropic", "openrouter", "mistral"])
@pytest.mark.parametrize("make", HISTORIES.values(), ids=HISTORIES)
def test_four_times_the_history_takes_four_times_the_time(
    key: str, make: Callable[[int], list[dict[str, Any]]]
) -> None:
    small, large = tuple(make(500)), tuple(make(2_000))
    assert cpu_s(key, large) <= 6 * cpu_s(key, small) + 0.005


@pytest.mark.alone
def test_thirty_thousand_messages_take_well_under_a_second() -> None:
    turn = [USER, calling("c1"), result("c1"), {"role": "assistant", "content": "Yes."}]
    for row in table.PROVIDERS:
        assert cpu_s(row.dialect, tuple(turn * 7_500), runs=1) < 1.0, row.dialect
