"""What a call cost: asked a second after it, and again after everything was ended and started."""

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from testkit.local_system import LocalSystem, local_system

DEMO = {"model": "demo/echo", "messages": [{"role": "user", "content": "What does a room cost?"}]}
INPUT_USD, OUTPUT_USD = Decimal("0.10") / 10**6, Decimal("0.40") / 10**6  # the demo's price for a token
SETTLED_WITHIN_S = 1.0


def call(system: LocalSystem, task_id: str) -> dict[str, Any]:
    headers = {**system.headers, "x-inference-task-id": task_id}
    answer = httpx.post(f"{system.base_url}/chat/completions", json=DEMO, headers=headers, trust_env=False)
    usage: dict[str, Any] = answer.json()["usage"]
    return usage


def task(system: LocalSystem, task_id: str) -> dict[str, Any] | None:
    answer = httpx.get(f"{system.address}/api/tasks", headers=system.headers, trust_env=False).json()
    return next((found for found in answer["tasks"] if found["task_id"] == task_id), None)


def settled(system: LocalSystem, task_id: str, calls: int) -> tuple[dict[str, Any], float]:
    """The task's totals once they count so many calls, and how long that took."""
    begun = time.monotonic()
    while time.monotonic() - begun < 10:
        found = task(system, task_id)
        if found is not None and found["calls"] == calls:
            return found, time.monotonic() - begun
    raise AssertionError(f"{task_id} does not count {calls} calls: {task(system, task_id)}")


def cost_of(usage: dict[str, Any], calls: int = 1) -> Decimal:
    return calls * (int(usage["prompt_tokens"]) * INPUT_USD + int(usage["completion_tokens"]) * OUTPUT_USD)


@pytest.mark.alone
def test_a_call_costs_what_its_tokens_cost_a_second_after_it(system: LocalSystem) -> None:
    usage = call(system, "room-price")
    found, waited_s = settled(system, "room-price", 1)
    assert waited_s < SETTLED_WITHIN_S
    assert Decimal(found["cost_usd"]) == cost_of(usage)
    assert (found["errors"], found["unpriced_calls"]) == (0, 0)
    assert (found["prompt_tokens"], found["completion_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert system.recorded("room-price")["cost_usd"] == found["cost_usd"]


def test_costs_are_counted_once_whatever_ends_the_system(tmp_path: Path) -> None:
    with local_system(tmp_path) as first:
        usage = call(first, "once")
        settled(first, "once", 1)
        call(first, "once")
        first.kill()  # maybe before the second call was kept as finished or settled, maybe after
    with local_system(tmp_path) as second:
        call(second, "once")
        second.terminal.line_with("once")
        calls = len([trace for trace in second.traces(task_id="once") if trace["status"] == "ok"])
        found, _ = settled(second, "once", calls)
        second.interrupt()
    with local_system(tmp_path) as third:
        again, _ = settled(third, "once", calls)
    assert again == found
    assert Decimal(found["cost_usd"]) == cost_of(usage, calls)
    assert calls in {2, 3}
