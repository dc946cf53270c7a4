"""The engine ends with the process that started it, and keeps its data."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from switchboard.store.dynamodb import connect
from switchboard.store.dynamodb_table import Table
from switchboard.store.key_items import to_item
from switchboard.store.keyspace import gateway_key
from switchboard_local import engine
from switchboard_local.engine import Engine, EngineFailed, EngineMissing, engine_command, running_engine
from switchboard_local.engine_host import LOOPBACK
from switchboard_local.supervision import Supervised
from switchboard_local.table import create_table
from testkit.dynamodb import skip_without_engine
from testkit.samples import a_key

TABLE = "switchboard-engine"
PARENT = """
import signal, sys
from pathlib import Path
from urllib.request import urlopen
from switchboard_local.engine import running_engine
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
with running_engine(Path(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2])) as endpoint:
    try:
        print(endpoint, flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        urlopen(endpoint).close()
        print("interrupted, and it still answers")
"""


@pytest.fixture
def port() -> int:
    """A free port."""
    skip_without_engine()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@contextmanager
def parent_process(data_dir: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the engine until its input ends, ready."""
    command = [sys.executable, "-c", PARENT, str(data_dir), str(port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline().strip() == f"http://127.0.0.1:{port}"
            yield parent
        finally:
            parent.kill()


def wait_until_closed(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
    raise AssertionError("the engine still listens")


def keep_a_key(endpoint: str) -> None:
    client = connect(endpoint=endpoint)
    create_table(client, TABLE)
    Table(client, TABLE).put(to_item(a_key()))
    client.close()


def has_the_key(endpoint: str) -> bool:
    client = connect(endpoint=endpoint)
    found = Table(client, TABLE).get(gateway_key(a_key().digest))
    client.close()
    return found is not None


def test_the_engine_ends_with_its_block_and_keeps_its_data(tmp_path: Path, port: int) -> None:
    with running_engine(tmp_path, host=LOOPBACK, port=port) as endpoint:
        keep_a_key(endpoint)
    wait_until_closed(port)
    with running_engine(tmp_path, host=LOOPBACK, port=port) as endpoint:
        assert has_the_key(endpoint)


def test_the_engine_ends_with_its_block_if_that_raises(tmp_path: Path, port: int) -> None:
    with pytest.raises(ZeroDivisionError), running_engine(tmp_path, host=LOOPBACK, port=port):
        raise ZeroDivisionError
    wait_until_closed(port)


def test_the_engine_ends_with_a_killed_parent_and_can_start_again_at_once(tmp_path: Path, port: int) -> None:
    with parent_process(tmp_path, port) as parent:
        keep_a_key(f"http://127.0.0.1:{port}")
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_until_closed(port)
    with running_engine(tmp_path, host=LOOPBACK, port=port) as endpoint:
        assert has_the_key(endpoint)


def test_control_c_does_not_reach_the_engine(tmp_path: Path, port: int) -> None:
    """The parent can still write what is in progress when the signal arrives."""
    with parent_process(tmp_path, port) as parent:
        os.killpg(parent.pid, signal.SIGINT)
        answer, _ = parent.communicate()
    assert answer == "interrupted, and it still answers\n"
    wait_until_closed(port)


def test_a_port_in_use_fails_at_once(tmp_path: Path, port: int) -> None:
    with (
        running_engine(tmp_path / "one", host=LOOPBACK, port=port),
        pytest.raises(EngineFailed, match=rf"cannot listen on 127\.0\.0\.1:{port}"),
        running_engine(tmp_path / "two", host=LOOPBACK, port=port),
    ):
        pass


def test_an_engine_that_another_process_keeps_from_its_port_is_not_taken_for_ours(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port was free when it was chosen, and another folder's engine listens there before ours does."""
    monkeypatch.setattr(engine, "_free_port", lambda _host, wanted: wanted)
    with (
        running_engine(tmp_path / "one", host=LOOPBACK, port=port),
        pytest.raises(EngineFailed, match=r"ended at its start: .*already in use"),
        running_engine(tmp_path / "two", host=LOOPBACK, port=port),
    ):
        pass


def test_a_folder_in_the_place_of_its_log_is_a_sentence(tmp_path: Path, port: int) -> None:
    (tmp_path / "engine.log").mkdir()
    with (
        pytest.raises(EngineFailed, match=r"cannot write .*engine\.log: Is a directory\.$"),
        running_engine(tmp_path, host=LOOPBACK, port=port),
    ):
        pass


def engine_process(data_dir: Path) -> int:
    """The id of the engine itself, not of the shell that guards it."""
    if not Path("/proc").exists():
        pytest.skip("listing processes needs /proc")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"dynoxide") and str(data_dir).encode() in b" ".join(words):
            return int(path.parent.name)
    pytest.skip("this machine's engine is not dynoxide")


@pytest.mark.parametrize("victim", ["engine", "guard"])
def test_a_killed_engine_runs_again_on_the_same_data_at_the_same_address(
    victim: str, tmp_path: Path, port: int
) -> None:
    shown: list[str] = []
    told = threading.Event()

    def show(line: str) -> None:
        shown.append(line)
        if line.endswith("runs again."):
            told.set()

    program = Engine.on(tmp_path, host=LOOPBACK, port=port)
    with Supervised(program, show) as supervised:
        keep_a_key(program.endpoint)
        killed = engine_process(tmp_path)
        assert supervised._process is not None
        os.kill(killed if victim == "engine" else supervised._process.pid, signal.SIGKILL)
        assert told.wait(10), shown
        assert engine_process(tmp_path) != killed
        assert has_the_key(program.endpoint)
        assert supervised.condition.restarts == 1
    wait_until_closed(port)
    assert shown == [
        "  The database engine has ended (killed by SIGKILL) and is started again.",
        "  The database engine runs again.",
    ]


def test_an_engine_that_hangs_is_killed_at_the_end(tmp_path: Path, port: int) -> None:
    began_at = time.monotonic()
    with running_engine(tmp_path, host=LOOPBACK, port=port):
        os.kill(engine_process(tmp_path), signal.SIGSTOP)
    assert time.monotonic() - began_at < 6
    wait_until_closed(port)


def test_a_suspended_engine_ends_with_a_killed_parent(tmp_path: Path, port: int) -> None:
    with parent_process(tmp_path, port) as parent:
        os.kill(engine_process(tmp_path), signal.SIGSTOP)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_until_closed(port)


def test_an_engine_that_cannot_start_reports_the_reason(tmp_path: Path, port: int) -> None:
    (tmp_path / "dynamodb.sqlite").write_bytes(b"no database" * 1000)
    with (
        pytest.raises(
            EngineFailed, match=r"is damaged \(.*not a valid SQLite database.*Put a copy .* back, or move it"
        ),
        running_engine(tmp_path, host=LOOPBACK, port=port),
    ):
        pass


def test_the_engine_listens_on_the_given_host(tmp_path: Path, port: int) -> None:
    with running_engine(tmp_path, host="0.0.0.0", port=port) as endpoint:
        assert endpoint == f"http://127.0.0.1:{port}"
        keep_a_key(endpoint)


def test_without_dynoxide_docker_runs_dynamodb_local_on_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "dynoxide_path", lambda: tmp_path / "missing")
    docker = tmp_path / "docker"
    docker.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    command, _ = engine_command(tmp_path, "127.0.0.1", 8001)
    assert command[0] == str(docker)
    assert "127.0.0.1:8001:8000" in command
    assert f"{tmp_path}:/data" in command
    assert command[-4:] == ["DynamoDBLocal.jar", "-sharedDb", "-dbPath", "/data"]


def test_without_an_engine_the_error_names_the_alternatives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "dynoxide_path", lambda: tmp_path / "missing")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match=r"install Docker.* DYNAMODB_ENDPOINT .*docker run -p 8001:8000"):
        engine_command(tmp_path, "127.0.0.1", 8001)
