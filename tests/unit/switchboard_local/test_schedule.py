"""The scheduled event: sent at the start and at its interval, with a sandbox's time, until the system ends."""

import threading
import time
from collections.abc import Callable, Mapping
from queue import Queue
from typing import Any

import pytest

from cost_aggregator.backoff import ONE_TRY_MS
from switchboard_local import schedule
from switchboard_local.event_source import INVOCATION_MS
from switchboard_local.schedule import LAST_SWEEP_S, SCHEDULED_EVENT, Schedule

WAIT_S = 10.0


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SWEEP_EVERY_S", 0.02)


@pytest.mark.usefixtures("often")
def test_the_event_is_sent_at_the_start_and_at_its_interval() -> None:
    sent: Queue[Mapping[str, Any]] = Queue()

    def handle(event: Mapping[str, Any], _remaining_ms: Callable[[], float]) -> Mapping[str, Any]:
        sent.put(event)
        return {}

    with Schedule(handle, print):
        for _ in range(3):
            assert sent.get(timeout=WAIT_S) == SCHEDULED_EVENT


def test_a_sweep_has_the_time_of_an_invocation_until_the_system_ends() -> None:
    left: Queue[float] = Queue()
    step = threading.Event()

    def handle(_event: Mapping[str, Any], remaining_ms: Callable[[], float]) -> Mapping[str, Any]:
        left.put(remaining_ms())
        while remaining_ms() >= ONE_TRY_MS:
            step.wait(0.001)
        left.put(remaining_ms())
        return {}

    with Schedule(handle, print):
        assert INVOCATION_MS / 2 < left.get(timeout=WAIT_S) <= INVOCATION_MS
        began_at = time.monotonic()
    assert left.get(timeout=WAIT_S) <= 0
    assert time.monotonic() - began_at < LAST_SWEEP_S


@pytest.mark.usefixtures("often")
def test_of_sweeps_that_fail_one_after_another_the_first_is_shown() -> None:
    shown: list[str] = []
    results = iter([ZeroDivisionError("one"), ZeroDivisionError("two"), None, ZeroDivisionError("three")])
    done: Queue[None] = Queue()

    def handle(_event: Mapping[str, Any], _remaining_ms: Callable[[], float]) -> Mapping[str, Any]:
        if (result := next(results, None)) is not None:
            raise result
        done.put(None)
        return {}

    with Schedule(handle, shown.append):
        for _ in range(2):
            done.get(timeout=WAIT_S)
    assert [line.rpartition(": ")[2] for line in shown] == ["one", "three"]
