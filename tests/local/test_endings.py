"""How a run ends: by Ctrl-C, or by a kill."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from testkit.local_system import LocalSystem, local_system
from testkit.openai_events import DONE, chunk, finish
from testkit.upstream import Answer, End, ScriptedUpstream

pytestmark = pytest.mark.thorough

PROC = Path("/proc")


@contextmanager
def streaming(system: LocalSystem, upstream: ScriptedUpstream, task_id: str) -> Iterator[Iterator[bytes]]:
    """A call in progress. Yields its chunks after the first one."""
    headers = {**system.headers, "x-inference-provider-url": upstream.base_url, "x-inference-task-id": task_id}
    body = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with (
        httpx.Client(trust_env=False, timeout=20) as client,
        client.stream("POST", f"{system.base_url}/chat/completions", json=body, headers=headers) as answer,
    ):
        chunks = answer.iter_raw()
        assert b"Hel" in next(chunks)
        yield chunks


@contextmanager
def system_with(upstream: ScriptedUpstream, data_dir: Path) -> Iterator[LocalSystem]:
    with local_system(data_dir, {"PRIVATE_PROVIDER_HOSTS": upstream.host}) as system:
        yield system


def processes_on(data_dir: Path) -> list[str]:
    """The command lines of the processes that use the folder."""
    if not PROC.exists():
        pytest.skip("listing processes needs /proc")
    found = []
    for path in PROC.glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(data_dir) in words:
            found.append(words)
    return found


def assert_nothing_runs_on(data_dir: Path) -> None:
    deadline = time.monotonic() + 5
    while found := processes_on(data_dir):
        assert time.monotonic() < deadline, found


def accepts_connections(system: LocalSystem) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(system.address.rpartition(":")[2]))) == 0


def test_an_idle_system_ends_at_once(tmp_path: Path) -> None:
    with local_system(tmp_path) as system:
        assert processes_on(tmp_path)
        assert system.interrupt() < 5
        assert system.process.returncode == 0
        assert_nothing_runs_on(tmp_path)
    assert "Traceback" not in system.terminal.text


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([signal.SIGINT], marks=pytest.mark.load, id="Ctrl-C"),
        # The shell of a closed terminal repeats SIGHUP, and `make` SIGTERM.
        pytest.param([signal.SIGHUP, signal.SIGHUP, signal.SIGTERM, signal.SIGTERM], id="repeated signals"),
    ],
)
def test_an_answer_in_progress_may_finish(numbers: list[signal.Signals], tmp_path: Path) -> None:
    with ScriptedUpstream(Answer([chunk("Hel"), 1.0, chunk("lo"), finish(), DONE])) as upstream:
        with system_with(upstream, tmp_path) as system:
            with streaming(system, upstream, "graced") as chunks:
                for number in numbers:
                    system.process.send_signal(number)
                assert b"".join(chunks).endswith(DONE)
            system.process.wait(5)
            assert system.process.returncode == 0
            system.terminal.line_with("graced")
        with system_with(upstream, tmp_path) as system:
            assert [trace["status"] for trace in system.traces(task_id="graced")] == ["ok"]


def test_an_answer_that_never_ends_is_cancelled_and_its_trace_completed(tmp_path: Path) -> None:
    with ScriptedUpstream(Answer([chunk("Hel"), End.HANG])) as upstream:
        with system_with(upstream, tmp_path) as system:
            with streaming(system, upstream, "broken-off"):
                assert system.interrupt() < 6
            assert system.process.returncode == 0
            assert_nothing_runs_on(tmp_path)
        with system_with(upstream, tmp_path) as system:
            (trace,) = system.traces(task_id="broken-off")
            assert trace["status"] not in ("open", "ok")


def test_a_second_ctrl_c_cancels_calls_at_once(tmp_path: Path) -> None:
    with (
        ScriptedUpstream(Answer([chunk("Hel"), End.HANG])) as upstream,
        system_with(upstream, tmp_path) as system,
        streaming(system, upstream, "hurried") as chunks,
    ):
        system.process.send_signal(signal.SIGINT)
        given_up_at = time.monotonic() + 10
        while accepts_connections(system):
            assert time.monotonic() < given_up_at, "the first Ctrl-C closes the port"
        began_at = time.monotonic()
        system.process.send_signal(signal.SIGINT)
        assert b'"gateway_stopped"' in b"".join(chunks), "the caller gets the error"
        assert time.monotonic() - began_at < 2.5, "less than calls in progress may take after the first one"
        system.process.wait(10)
        assert system.process.returncode == 0
        system.terminal.line_with("hurried")


def test_a_kill_in_mid_stream_leaves_one_open_row_and_the_system_starts_again(tmp_path: Path) -> None:
    with ScriptedUpstream(Answer([chunk("Hel"), End.HANG])) as upstream:
        with system_with(upstream, tmp_path) as system:
            with streaming(system, upstream, "killed") as chunks:
                while not system.traces(task_id="killed"):
                    pass
                system.kill()
                with pytest.raises(httpx.HTTPError):
                    list(chunks)
            assert_nothing_runs_on(tmp_path)
        upstream.answers(Answer([chunk("Hel"), chunk("lo"), finish(), DONE]))
        with system_with(upstream, tmp_path) as system:
            assert [(trace["task_id"], trace["status"]) for trace in system.traces()] == [("killed", "open")]
            with streaming(system, upstream, "after") as chunks:
                assert b"".join(chunks).endswith(DONE)
            assert system.recorded("after")["status"] == "ok"
            assert [trace["status"] for trace in system.traces(task_id="killed")] == ["open"]
