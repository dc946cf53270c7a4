"""Ctrl-C while finished calls wait for the database: each is written, or it is a line of the log."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from switchboard.store.attributes import decode_item
from switchboard.store.dynamodb_client import connect
from switchboard.store.traces.trace_items import from_item
from switchboard.store.traces.trace_lines import from_line
from switchboard_local.engine import running_engine
from testkit.dynamodb import items_of
from testkit.local_system import LocalSystem, local_system
from testkit.openai_events import completion
from testkit.upstream import ScriptedUpstream, json_answer

CALLS = 12
END_S = 15.0
"""The longest that an end may take, whatever the database does. The tests' limits allow for a busy machine."""

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="listing processes needs /proc")


@contextmanager
def system_with_waiting_calls(data_dir: Path) -> Iterator[tuple[LocalSystem, int]]:
    """A system with finished calls that wait for an engine that hangs; and the engine's process."""
    with (
        ScriptedUpstream(respond=lambda _: json_answer(completion("Hello"))) as upstream,
        local_system(data_dir, {"PRIVATE_PROVIDER_HOSTS": upstream.host}) as system,
    ):
        call(system, upstream, "first")
        system.recorded("first")  # the key is known from here on
        engine = system.pid_of("dynoxide")
        os.kill(engine, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(CALLS) as callers:
                list(callers.map(lambda number: call(system, upstream, f"waiting-{number}"), range(CALLS)))
            yield system, engine
        finally:
            with suppress(ProcessLookupError):
                os.kill(engine, signal.SIGCONT)


def call(system: LocalSystem, upstream: ScriptedUpstream, task_id: str) -> None:
    headers = {**system.headers, "x-inference-provider-url": upstream.base_url, "x-inference-task-id": task_id}
    body = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}
    answer = httpx.post(
        f"{system.base_url}/chat/completions", json=body, headers=headers, trust_env=False, verify=False, timeout=20
    )
    assert answer.status_code == 200, answer.text


def kept(data_dir: Path) -> list[str]:
    """The tasks of the finished calls in the database."""
    with running_engine(data_dir) as endpoint:
        client = connect(endpoint=endpoint)
        table = (data_dir / "table").read_text().strip()
        items = items_of(client, table)
        client.close()
    return sorted(from_item(decode_item(item)).task_id for item in items if item.get("status", {}).get("S") == "ok")


def unwritten(data_dir: Path) -> list[dict[str, Any]]:
    """The rows of the log's lines `trace.unwritten`."""
    lines = (data_dir / "gateway.log").read_text().splitlines()
    events = [json.loads(line) for line in lines if '"trace.unwritten"' in line]
    return [event["row"] for event in events]


def assert_restorable(data_dir: Path) -> None:
    traces = [from_line(row) for row in unwritten(data_dir)]
    assert sorted(trace.task_id for trace in traces) == sorted(f"waiting-{number}" for number in range(CALLS))
    assert {trace.status.value for trace in traces} == {"ok"}


def test_waiting_calls_are_written_when_the_database_answers_again(tmp_path: Path) -> None:
    with system_with_waiting_calls(tmp_path) as (system, engine):
        assert system.health()[1]["records"]["waiting"] == CALLS
        system.process.send_signal(signal.SIGINT)
        system.terminal.line_with(f"Writing {CALLS} traces … (Ctrl-C again drops them)")
        os.kill(engine, signal.SIGCONT)
        system.process.wait(END_S)
        system.terminal.line_with("All traces are written.")
        assert system.process.returncode == 0
    assert unwritten(tmp_path) == []
    assert kept(tmp_path) == sorted(["first", *(f"waiting-{number}" for number in range(CALLS))])


@pytest.mark.load
def test_a_second_ctrl_c_drops_them_into_the_log(tmp_path: Path) -> None:
    with system_with_waiting_calls(tmp_path) as (system, _):
        system.process.send_signal(signal.SIGINT)
        system.terminal.line_with(f"Writing {CALLS} traces")
        assert system.interrupt() < 10
        assert system.process.returncode == 0
        assert f"{CALLS} traces could not be written" in system.terminal.text
        assert "Traceback" not in system.terminal.text
    assert_restorable(tmp_path)


@pytest.mark.load
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_database_that_hangs_does_not_hold_the_end(number: signal.Signals, tmp_path: Path) -> None:
    with system_with_waiting_calls(tmp_path) as (system, _):
        assert system.interrupt(number) < END_S
        assert system.process.returncode == 0
        assert f"{CALLS} traces could not be written" in system.terminal.text
    assert_restorable(tmp_path)


@pytest.mark.load
def test_a_database_that_is_away_does_not_hold_the_end(tmp_path: Path) -> None:
    """An engine that ends at every start."""
    with system_with_waiting_calls(tmp_path) as (system, engine):
        (tmp_path / "dynamodb.sqlite").unlink()
        (tmp_path / "dynamodb.sqlite").mkdir()
        os.kill(engine, signal.SIGKILL)
        system.terminal.line_with("does not start, which is tried again", 20)
        began_at = time.monotonic()
        system.interrupt()
        assert time.monotonic() - began_at < END_S
        assert f"{CALLS} traces could not be written" in system.terminal.text
    assert_restorable(tmp_path)
