"""The database engine and the cost aggregator are started again when they end, on the same data."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from switchboard.store.dynamodb_client import connect
from switchboard_local.engine import running_engine
from testkit.dynamodb import items_of
from testkit.local_system import LocalSystem, local_system

DEMO = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}
WAIT_S = 15.0

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="listing processes needs /proc")


def call(system: LocalSystem, task_id: str) -> None:
    headers = {**system.headers, "x-inference-task-id": task_id}
    answer = httpx.post(f"{system.base_url}/chat/completions", json=DEMO, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text


def health_once(system: LocalSystem, is_so: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
    """The report, as soon as it is so."""
    deadline = time.monotonic() + WAIT_S
    while True:
        status, report = system.health()
        if is_so(status, report):
            return report
        assert time.monotonic() < deadline, (status, report)
        time.sleep(0.05)


def test_the_deep_report_names_every_part(system: LocalSystem) -> None:
    report = health_once(system, lambda _, report: report["aggregator"]["read_stream_s_ago"] is not None)
    assert report["status"] == "ok"
    assert report["store"]["reachable"] is True
    assert (report["engine"]["running"], report["aggregator"]["running"]) == (True, True)
    shallow = httpx.get(f"{system.address}/health", trust_env=False)
    assert (shallow.status_code, shallow.json()) == (200, {"status": "ok"})


def test_nobody_else_can_read_the_data(system: LocalSystem) -> None:
    call(system, "private")
    system.recorded("private")  # after this all files are there, the aggregator's and the engine's too
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in system.data_dir.iterdir()}
    assert {"dynamodb.sqlite", "stream.json", "gateway.log", "engine.log", "gateway-key"} < modes.keys()
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE(system.data_dir.stat().st_mode) == 0o700


def test_a_killed_engine_runs_again_and_calls_are_recorded(system: LocalSystem) -> None:
    call(system, "before")
    system.recorded("before")
    os.kill(system.pid_of("dynoxide"), signal.SIGKILL)
    system.terminal.line_with("database engine has ended (killed by SIGKILL)", WAIT_S)
    system.terminal.line_with("database engine runs again", WAIT_S)
    call(system, "after")
    health_once(system, lambda _, report: report["records"]["waiting"] == 0)
    assert system.recorded("after")["status"] == "ok"
    assert system.recorded("before")["status"] == "ok"
    report = health_once(system, lambda status, _: status == 200)
    assert report["engine"]["restarts"] == 1
    assert sum("database engine" in line for line in system.terminal.lines) == 2


def test_a_database_that_is_moved_away_is_told_until_it_is_back(system: LocalSystem) -> None:
    file, away = system.data_dir / "dynamodb.sqlite", system.data_dir / "away"
    file.rename(away)
    system.terminal.line_with("database's file was deleted or replaced", WAIT_S)
    report = health_once(system, lambda status, _: status == 503)
    assert report["store"]["error"] == "DatabaseReplaced"
    away.rename(file)
    health_once(system, lambda status, _: status == 200)


def test_a_killed_aggregator_runs_again_and_settles_calls(system: LocalSystem) -> None:
    os.kill(system.pid_of("aggregator_process"), signal.SIGKILL)
    system.terminal.line_with("cost aggregator has ended (killed by SIGKILL)", WAIT_S)
    system.terminal.line_with("cost aggregator runs again", WAIT_S)
    call(system, "settled")
    assert system.recorded("settled")["cost_usd"] is not None
    report = health_once(system, lambda status, _: status == 200)
    assert report["aggregator"]["restarts"] == 1
    assert report["aggregator"]["for_s"] < WAIT_S * 2


@pytest.mark.load
def test_an_engine_that_hangs_is_told(system: LocalSystem) -> None:
    engine = system.pid_of("dynoxide")
    os.kill(engine, signal.SIGSTOP)
    try:
        report = health_once(system, lambda status, _: status == 503)
        assert report["store"]["reachable"] is False
        assert system.address not in str(report)
    finally:
        os.kill(engine, signal.SIGCONT)
    system.terminal.line_with("The database does not answer", WAIT_S)
    health_once(system, lambda status, _: status == 200)
    system.terminal.line_with("The database answers again", WAIT_S)


@pytest.mark.load
def test_an_engine_of_another_folder_at_its_address_is_not_used(tmp_path: Path) -> None:
    """It has taken the address while the folder's own engine was away."""
    own, other = tmp_path / "own", tmp_path / "other"
    with local_system(other) as system:
        call(system, "of-the-other")
        system.recorded("of-the-other")
    before = tables(other)
    with local_system(own) as system:
        call(system, "mine")
        system.recorded("mine")
        database, aside = own / "dynamodb.sqlite", own / "aside"
        address = urlsplit(json.loads((own / "running.json").read_text())["endpoint"])
        assert address.hostname
        assert address.port
        os.kill(system.pid_of("dynoxide"), signal.SIGSTOP)
        database.rename(aside)
        database.mkdir()  # no engine can start on it
        os.kill(system.pid_of("dynoxide"), signal.SIGKILL)
        system.terminal.line_with("does not start, which is tried again", WAIT_S)
        with running_engine(other, host=address.hostname, port=address.port):
            database.rmdir()
            aside.rename(database)
            report = health_once(system, lambda _, report: report["store"]["error"] == "ResourceNotFoundException")
            assert report["engine"]["running"] is False
            answer = httpx.get(f"{system.address}/api/traces", headers=system.headers, trust_env=False)
            assert answer.status_code == 503
            call(system, "meanwhile")  # its key is known
        system.terminal.line_with("database engine runs again", WAIT_S)
        health_once(system, lambda _, report: report["records"]["waiting"] == 0)
        assert system.recorded("meanwhile")["status"] == "ok"
        assert {trace["task_id"] for trace in system.traces()} == {"mine", "meanwhile"}
    assert tables(other) == before


def tables(data_dir: Path) -> dict[str, int]:
    """The tables of the folder's database, and how many items each has."""
    with running_engine(data_dir) as endpoint:
        client = connect(endpoint=endpoint)
        found = {name: len(items_of(client, name)) for name in client.list_tables()["TableNames"]}
        client.close()
    return found
